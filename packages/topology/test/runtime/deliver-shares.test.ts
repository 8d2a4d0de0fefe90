import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { topology } from '../../src/dsl/builder.ts'
import type { KafkaClient } from '../../src/client/ports.ts'
import { systemClock, type Clock } from '../../src/clock.ts'
import type { DeliveryAssignment, Destination } from '../../src/operators/destination.ts'
import type { Topology } from '../../src/plan/topology.ts'
import { App } from '../../src/runtime/app.ts'
import { string } from '../../src/serde/primitives.ts'
import { createFakeClient } from '../../src/testing/fake-client.ts'
import { TestClock } from '../../src/testing/test-clock.ts'
import { streamTopic } from '../../src/topic.ts'
import { until } from '../../../../test-support/until.ts'

const words = streamTopic('words', { key: string(), value: string() })
const PARTITIONS = 4

/** Its log tells assignments and calls, of this and other processes, in their order. */
class Shared implements Destination<string> {
  readonly name: string
  readonly log: string[]
  readonly partitionCounts: number[] = []
  share = 0
  isHeld = false
  trouble: string | undefined
  #answer: (() => void) | undefined

  constructor(name: string, log: string[]) {
    this.name = name
    this.log = log
  }

  async deliver(items: readonly { readonly value: string }[]) {
    this.log.push(`${this.name} sends ${items.map(({ value }) => value).join(' ')}`)
    if (this.isHeld) await new Promise<void>(resolve => (this.#answer = resolve))
    this.log.push(`${this.name} has sent`)
    return items.map(() => ({ kind: 'accepted' as const }))
  }

  release(): void {
    this.isHeld = false
    this.#answer?.()
  }

  problem(): string | undefined {
    return this.trouble
  }

  onAssignment({ partitions, partitionCount }: DeliveryAssignment): void {
    this.share = partitions.length
    this.partitionCounts.push(partitionCount)
    this.log.push(`${this.name} has ${partitions.join(' ') || 'none'}`)
  }
}

function built(destination: Destination<string>): Topology {
  const builder = topology('sharing')
  builder.stream(words).deliver({ destination, maxBatchItems: 10, lingerMs: 0 })
  return builder.build()
}

function appOn(
  t: TestContext,
  kafka: KafkaClient,
  destination: Destination<string>,
  clock: Clock = systemClock,
): App {
  const config = { kafka, clock, commitIntervalMs: 10, lingerMs: 1, shutdownTimeoutMs: 2_000 }
  const app = new App(built(destination).compiled, config, {
    connect: () => ({ kafka, registry: undefined }),
  })
  t.after(() => app.close().catch(() => undefined))
  return app
}

test('the shares of two processes never sum to more than all, and calls have ended before one is given up', async t => {
  const kafka = createFakeClient({ topics: [{ name: 'words', partitions: PARTITIONS }] })
  const log: string[] = []
  const [first, second] = [new Shared('first', log), new Shared('second', log)]
  await appOn(t, kafka, first).start()
  await until('the first has all', () => first.share === PARTITIONS)
  assert.deepEqual(log, ['first has none', 'first has 0 1 2 3'])
  first.isHeld = true
  kafka.put('words', { key: 'a', value: 'w', partition: 3 })
  await until('a call is under way', () => log.includes('first sends w'))

  const other = appOn(t, kafka.anotherClient(), second)
  await other.start()
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(
    [first.share, second.share],
    [PARTITIONS, 0],
    'nothing is given up while a call is under way',
  )
  first.release()
  await until('both have half', () => second.share === 2)
  kafka.put('words', { key: 'a', value: 'x', partition: 3 })
  await until('the second works', () => log.includes('second has sent'))
  await other.close()
  await until('the first has all again', () => first.share === PARTITIONS)
  assert.deepEqual(log.slice(2), [
    'first sends w',
    'second has none',
    'first has sent',
    'first has 0 1',
    'second has 2 3',
    'second sends x',
    'second has sent',
    'second has none',
    'first has 0 1 2 3',
  ])
  assert.deepEqual(new Set([...first.partitionCounts, ...second.partitionCounts]), new Set([PARTITIONS]))
})

test('a session that ends takes the share with it', async t => {
  const kafka = createFakeClient({ topics: [{ name: 'words', partitions: PARTITIONS }] })
  const destination = new Shared('it', [])
  await appOn(t, kafka, destination).start()
  await until('it has all', () => destination.share === PARTITIONS)
  kafka.expireMember('sharing', 0)
  await until('it has all again', () => destination.log.length === 4)
  assert.deepEqual(destination.log, ['it has none', 'it has 0 1 2 3', 'it has none', 'it has 0 1 2 3'])
})

test('a session that ends in a revocation takes the share at once, whatever is under way', async t => {
  const kafka = createFakeClient({ topics: [{ name: 'words', partitions: PARTITIONS }] })
  const log: string[] = []
  const [first, second] = [new Shared('first', log), new Shared('second', log)]
  await appOn(t, kafka, first, new TestClock()).start()
  await until('the first has all', () => first.share === PARTITIONS)
  first.isHeld = true
  kafka.put('words', { key: 'a', value: 'w', partition: 3 })
  await until('a call is under way', () => log.includes('first sends w'))
  await appOn(t, kafka.anotherClient(), second).start()
  kafka.expireMember('sharing', 0)
  // Its clock stands still: the revocation would wait for the call without end.
  await until('the first has none', () => log.lastIndexOf('first has none') > log.indexOf('first sends w'))
  await until('they share again', () => first.share === 2 && second.share === 2)
  assert.ok(!log.includes('first has sent'))
  first.release()
})

test('one destination that shares something out cannot stand in two steps', () => {
  const destination = new Shared('it', [])
  const builder = topology('sharing')
  const stream = builder.stream(words)
  stream.deliver({ name: 'one', destination, maxBatchItems: 10 })
  stream.deliver({ name: 'two', destination, maxBatchItems: 10 })
  assert.throws(() => builder.build(), {
    code: 'TOPOLOGY_PLAN_INVALID',
    message: /one and two have one destination, it, .* give each step a destination of its own/,
  })
})

test('the application is not ready while a destination has a problem, and says which', async t => {
  const kafka = createFakeClient({ topics: [{ name: 'words', partitions: PARTITIONS }] })
  const destination = new Shared('it', [])
  const app = appOn(t, kafka, destination)
  await app.start()
  assert.deepEqual(app.readiness(), { isReady: true, reasons: [] })
  destination.trouble = 'the key is refused'
  assert.deepEqual(app.readiness(), { isReady: false, reasons: ['words.deliver-1: the key is refused'] })
  destination.trouble = undefined
  assert.equal(app.readiness().isReady, true)
})
