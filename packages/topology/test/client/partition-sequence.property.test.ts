import '../wire/seed.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c } from '@platformatic/kafka'
import fc from 'fast-check'
import {
  type ProducerIdentity,
  PartitionSequence,
  type SequencedBatch,
} from '../../src/client/platformatic/partition-sequence.ts'
import { hasValidCrc, producerId } from '../../src/wire/batch-header.ts'
import { batchOf } from '../conformance/produce.ts'

const SEQUENCES = 2 ** 31

interface Known {
  next: number
  readonly recent: { readonly sequence: number; readonly next: number; readonly baseOffset: number }[]
}

type BrokerAnswer =
  { readonly kind: 'appended'; readonly baseOffset: number } | { readonly kind: 'out-of-order' }

/** A partition's leader as far as sequences go: `ProducerStateManager` and `ProducerAppendInfo.checkSequence`. */
class BrokerModel {
  readonly log: string[] = []
  readonly #known = new Map<bigint, Known>()

  receive(batch: SequencedBatch, name: string): BrokerAnswer {
    const { records, recordCount } = batch.batch
    assert.ok(hasValidCrc(records, 0, records.length, crc32c))
    const id = producerId(records, 0)
    const sequence = records.readInt32BE(53)
    const next = (sequence + recordCount) % SEQUENCES
    const known = this.#known.get(id)
    const repeated = known?.recent.find(recent => recent.sequence === sequence && recent.next === next)
    if (repeated !== undefined) return { kind: 'appended', baseOffset: repeated.baseOffset }
    if (known !== undefined && known.next !== sequence) return { kind: 'out-of-order' }
    const baseOffset = this.log.length
    const recent = [...(known?.recent ?? []), { sequence, next, baseOffset }].slice(-5)
    this.#known.set(id, { next, recent })
    this.log.push(name)
    return { kind: 'appended', baseOffset }
  }

  forgetProducers(): void {
    this.#known.clear()
  }
}

type Step =
  | { readonly kind: 'send'; readonly count: number; readonly isRefused: boolean }
  | { readonly kind: 'request'; readonly fate: 'answered' | 'failed' | 'answer lost' }
  | { readonly kind: 'answer' }
  | { readonly kind: 'forget' }

const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('send' as const),
      count: fc.integer({ min: 1, max: 3 }),
      isRefused: fc.integer({ min: 0, max: 5 }).map(n => n === 0),
    }),
    fc.record({
      kind: fc.constant('request' as const),
      fate: fc.constantFrom(
        'answered' as const,
        'answered' as const,
        'failed' as const,
        'answer lost' as const,
      ),
    }),
    fc.record({ kind: fc.constant('answer' as const) }),
  ),
  { maxLength: 80, size: 'max' },
)
const forgetfulSteps = fc
  .tuple(steps, fc.array(fc.nat(79), { maxLength: 3 }))
  .map(([list, at]) => list.map((step, i): Step => (at.includes(i) ? { kind: 'forget' } : step)))

/** Drives a sequence and a broker model through the steps, then to the end, and says what became of each batch. */
class Run {
  readonly broker = new BrokerModel()
  readonly sent: string[] = []
  readonly acknowledged = new Map<string, number>()
  readonly refused: string[] = []
  readonly #names = new Map<Buffer, string>()
  readonly #toRefuse = new Set<string>()
  readonly #answers: (() => void)[] = []
  readonly #sequence: PartitionSequence
  identities = 0
  #leader: 'right' | 'moved' | 'noticed' = 'right'

  constructor(firstSequence: number) {
    this.#sequence = new PartitionSequence(this.#newIdentity(), firstSequence)
  }

  run(list: readonly Step[]): void {
    for (const step of list) this.#step(step)
    for (let left = 10_000; !this.#sequence.isIdle; left -= 1) {
      assert.ok(left > 0, 'it does not come to an end')
      if (this.#sequence.isReady) this.#request('answered')
      else this.#answer()
    }
  }

  #newIdentity(): ProducerIdentity {
    this.identities += 1
    return { producerId: BigInt(this.identities), epoch: 0 }
  }

  #step(step: Step): void {
    switch (step.kind) {
      case 'send':
        this.#send(step.count, step.isRefused)
        return
      case 'request':
        this.#request(step.fate)
        return
      case 'answer':
        this.#answer()
        return
      case 'forget':
        // After a day of silence, or with a new leader that lost the log: then the old one refuses until it is left.
        this.broker.forgetProducers()
        this.#leader = this.#sequence.isIdle ? 'right' : 'moved'
    }
  }

  #send(count: number, isRefused: boolean): void {
    const name = String(this.sent.length)
    const batch = { topic: 't', partition: 0, ...batchOf(Array.from({ length: count }, () => 'v')) }
    this.sent.push(name)
    this.#names.set(batch.records, name)
    if (isRefused) this.#toRefuse.add(name)
    this.#sequence.push({
      batch,
      resolve: ({ baseOffset }) => this.acknowledged.set(name, baseOffset),
      reject: () => this.refused.push(name),
    })
  }

  #request(fate: 'answered' | 'failed' | 'answer lost'): void {
    const batch = this.#sequence.take()
    if (batch === undefined) return
    const name = this.#names.get(batch.batch.records)!
    if (this.#leader !== 'right') {
      this.#leader = 'noticed'
      this.#answers.push(() => this.#sequence.failed(batch))
    } else if (fate === 'failed') this.#answers.push(() => this.#sequence.failed(batch))
    else if (this.#toRefuse.has(name)) {
      if (fate === 'answered') this.#answers.push(() => this.#sequence.refused(batch, new Error('refused')))
      else this.#answers.push(() => this.#sequence.failed(batch))
    } else {
      const answer = this.broker.receive(batch, name)
      if (fate === 'answer lost') this.#answers.push(() => this.#sequence.failed(batch))
      else if (answer.kind === 'out-of-order') this.#answers.push(() => this.#sequence.outOfOrder(batch))
      else this.#answers.push(() => this.#sequence.acknowledged(batch, answer.baseOffset))
    }
  }

  #answer(): void {
    this.#answers.shift()?.()
    if (this.#sequence.inFlight === 0 && this.#leader === 'noticed') this.#leader = 'right'
    if (this.#sequence.needsIdentity && this.#sequence.inFlight === 0)
      this.#sequence.useIdentity(this.#newIdentity())
  }
}

const firstSequence = fc.constantFrom(0, SEQUENCES - 1, SEQUENCES - 2, SEQUENCES - 7)

test('whatever fails, gets lost or is refused, every other batch is in the log once and in order', () => {
  fc.assert(
    fc.property(steps, firstSequence, (list, first) => {
      const run = new Run(first)
      run.run(list)
      const expected = run.sent.filter(name => !run.refused.includes(name))
      assert.deepEqual(run.broker.log, expected)
      assert.equal(run.identities, 1)
      assert.deepEqual(
        expected.map(name => run.acknowledged.get(name)),
        expected.map((_, i) => i),
      )
    }),
    { numRuns: 1_500 },
  )
})

test('a broker that forgets its producers costs repeated batches at most, never a lost or an overtaken one', () => {
  fc.assert(
    fc.property(forgetfulSteps, firstSequence, (list, first) => {
      const run = new Run(first)
      run.run(list)
      const firstSeen = [...new Set(run.broker.log)]
      assert.deepEqual(
        firstSeen,
        run.sent.filter(name => !run.refused.includes(name)),
      )
    }),
    { numRuns: 1_500 },
  )
})
