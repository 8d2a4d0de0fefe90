import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ownership } from '../../src/client/ownership.ts'
import type { GroupListener } from '../../src/client/ports.ts'
import { settled } from '../../src/testing/test-clock.ts'
import type { TopicPartition } from '../../src/record.ts'

const [first, second] = [0, 1].map(partition => ({ topic: 'orders', partition })) as [
  TopicPartition,
  TopicPartition,
]

interface Told {
  readonly ownership: Ownership
  readonly calls: string[]
  /** Lets the revocation end. */
  readonly drained: () => void
}

function ownershipWithSlowRevocation(): Told {
  const calls: string[] = []
  const draining = Promise.withResolvers<void>()
  const told = (what: string, partitions: readonly TopicPartition[]): void =>
    void calls.push(`${what} ${partitions.map(({ partition }) => partition).join()}`)
  const listener: GroupListener = {
    onAssigned: async partitions => told('assigned', partitions),
    async onRevoked(partitions) {
      told('revoking', partitions)
      await draining.promise
      told('revoked', partitions)
    },
    onLost: async partitions => told('lost', partitions),
    onError: error => void calls.push(error.message),
  }
  return { ownership: new Ownership(listener), calls, drained: draining.resolve }
}

test('a loss is told at once, also of partitions whose revocation is under way', async () => {
  const { ownership, calls, drained } = ownershipWithSlowRevocation()
  await ownership.assign([first, second])
  const revoking = ownership.revokeAllBut([first])
  await settled()
  const losing = ownership.lose()
  await settled()
  assert.deepEqual(calls, ['assigned 0,1', 'revoking 1', 'lost 0,1'])
  assert.deepEqual(ownership.partitions, [])
  drained()
  await Promise.all([revoking, losing])
})

test('what comes after a loss waits for the revocation that it has overtaken', async () => {
  const { ownership, calls, drained } = ownershipWithSlowRevocation()
  await ownership.assign([first])
  void ownership.revokeAllBut([])
  await settled()
  void ownership.lose()
  const assigned = ownership.assign([first])
  await settled()
  assert.deepEqual(calls, ['assigned 0', 'revoking 0', 'lost 0'])
  drained()
  await assigned
  assert.deepEqual(calls.slice(3), ['revoked 0', 'assigned 0'])
  assert.deepEqual(ownership.partitions, [first])
})
