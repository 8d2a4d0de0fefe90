import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { GroupListener, KafkaClient } from '../../src/client/ports.ts'
import { topology } from '../../src/dsl/builder.ts'
import { TopologyError } from '../../src/errors.ts'
import type { Topology } from '../../src/plan/topology.ts'
import { App } from '../../src/runtime/app.ts'
import { json, string } from '../../src/serde/primitives.ts'
import { createFakeClient, type FakeClient } from '../../src/testing/fake-client.ts'
import { settled, TestClock } from '../../src/testing/test-clock.ts'
import { streamTopic } from '../../src/topic.ts'
import { oracleAsync } from '../../../../test-support/oracle.ts'

/*
 * Random histories of records, answers, commits, faults and crashes. The oracle is one sentence: at every moment a reader
 * of committed records sees the outputs of the records below the committed offsets, and nothing else.
 */

const KINDS = ['plain', 'asked', 'refused', 'dropped'] as const
interface Event {
  readonly id: number
  readonly kind: (typeof KINDS)[number]
}

const events = streamTopic('events', { key: string(), value: json<Event>() })
const results = streamTopic('results', { key: string(), value: string() })
const PARTITIONS = 2
const GROUP = 'once'
const KEYS = ['a', 'b', 'c', 'd', 'e']

const expectedResults = ({ id, kind }: Event): string[] => {
  if (kind === 'plain') return [`${id} one`, `${id} two`]
  if (kind === 'dropped') return []
  return kind === 'asked' ? [`${id} asked`, `${id} answered`] : [`${id} asked`]
}

/** Every asked record comes out twice: at once, and when its call is answered. */
function onceTopology(ask: (event: Event) => Promise<void>): Topology {
  const builder = topology(GROUP)
  const { plain, asked } = builder
    .stream(events)
    .filter(({ kind }) => kind !== 'dropped')
    .split({ plain: ({ kind }) => kind === 'plain' }, { default: 'asked' })
  plain.flatMapValues(({ id }) => [`${id} one`, `${id} two`]).to(results)
  asked.mapValues(({ id }) => `${id} asked`).to(results)
  asked.enrich({ using: ask, joiner: ({ id }) => `${id} answered`, timeoutMs: 3_600_000 }).to(results)
  return builder.build()
}

/** A process that can be killed: from then on it does nothing and hears nothing. */
function mortal(kafka: KafkaClient): { readonly client: KafkaClient; die(): void } {
  let isDead = false
  const alive = <T>(run: () => Promise<T>): Promise<T> => (isDead ? new Promise(() => undefined) : run())
  const client: KafkaClient = {
    ...kafka,
    createFetcher(options) {
      const fetcher = kafka.createFetcher(options)
      return {
        ...fetcher,
        assign: (partition, offset, listener) =>
          fetcher.assign(partition, offset, {
            onBatch: batch => {
              if (!isDead) listener.onBatch(batch)
            },
            onError: (at, error) => listener.onError(at, error),
          }),
        unassign: partition => fetcher.unassign(partition),
        pause: partition => fetcher.pause(partition),
        resume: partition => fetcher.resume(partition),
        close: () => fetcher.close(),
      }
    },
    async createTransactionalProducer(options) {
      const producer = await kafka.createTransactionalProducer(options)
      return {
        send: batch => alive(() => producer.send(batch)),
        commitOffsets: (offsets, member) => alive(() => producer.commitOffsets(offsets, member)),
        commitTransaction: () => alive(() => producer.commitTransaction()),
        abortTransaction: () => alive(() => producer.abortTransaction()),
        close: () => producer.close(),
      }
    },
    createGroupMember(options) {
      const member = kafka.createGroupMember(options)
      const heard = (listener: GroupListener): GroupListener => ({
        onAssigned: partitions => alive(() => listener.onAssigned(partitions)),
        onRevoked: partitions => alive(() => listener.onRevoked(partitions)),
        onLost: partitions => alive(() => listener.onLost(partitions)),
        onError: error => listener.onError(error),
      })
      return {
        join: listener => member.join(heard(listener)),
        committed: partitions => member.committed(partitions),
        committedOffsets: partitions => member.committedOffsets(partitions),
        commit: offsets => member.commit(offsets),
        commitThrough: (offsets, send) => member.commitThrough(offsets, send),
        leave: () => member.leave(),
      }
    },
  }
  return {
    client,
    die: () => {
      isDead = true
    },
  }
}

/** One process after the other runs the topology, all with the same transactional id. */
class World {
  readonly kafka: FakeClient = createFakeClient({
    topics: [
      { name: 'events', partitions: PARTITIONS },
      { name: 'results', partitions: PARTITIONS },
    ],
  })
  readonly clock: TestClock = new TestClock()
  readonly inputs: { readonly event: Event; readonly partition: number; readonly offset: number }[] = []
  #process!: { readonly app: App; die(): void }
  /** Calls of the living process without an answer. */
  #asked: (() => void)[] = []

  async start(): Promise<void> {
    const asked: (() => void)[] = []
    this.#asked = asked
    const built = onceTopology(
      ({ kind }) =>
        new Promise((resolve, reject) => {
          asked.push(() => {
            if (kind === 'asked') resolve()
            else reject(Object.assign(new Error('404'), { retry: { kind: 'never' } }))
          })
        }),
    )
    const { client, die } = mortal(this.kafka.anotherClient())
    const app = new App(
      built.compiled,
      {
        kafka: client,
        clock: this.clock,
        guarantee: 'exactly-once',
        instanceId: 'same',
        commitIntervalMs: 100,
        lingerMs: 10,
        maxInFlightRecords: 8,
      },
      { connect: () => ({ kafka: client, registry: undefined }) },
    )
    this.#process = { app, die }
    await app.start()
  }

  put(key: string, kind: Event['kind']): void {
    const event = { id: this.inputs.length, kind }
    const place = this.kafka.put('events', { key, value: JSON.stringify(event) })
    this.inputs.push({ event, ...place })
  }

  answer(which: number): void {
    if (this.#asked.length > 0) this.#asked.splice(which % this.#asked.length, 1)[0]?.()
  }

  async crash(): Promise<void> {
    this.#process.die()
    // It may just be on its way back into the group.
    if (this.kafka.assignments(GROUP).length > 0) this.kafka.removeDeadMember(GROUP, 0)
    await this.start()
  }

  close(): Promise<void> {
    return this.#process.app.close()
  }

  get state(): string {
    return this.#process.app.state
  }

  get committed(): readonly number[] {
    return Array.from(
      { length: PARTITIONS },
      (_, partition) => this.kafka.committed(GROUP, 'events', partition) ?? 0,
    )
  }

  check(): void {
    const { committed } = this
    const covered = this.inputs.filter(({ partition, offset }) => offset < (committed[partition] as number))
    const seen = this.kafka.records('results').map(record => String(record.value))
    assert.deepEqual(seen.toSorted(), covered.flatMap(({ event }) => expectedResults(event)).toSorted())
    const refused = covered.filter(({ event }) => event.kind === 'refused').map(({ event }) => event.id)
    const letters = this.kafka
      .records('once-dead-letters')
      .map(record => (JSON.parse(String(record.value)) as Event).id)
    assert.deepEqual(
      letters.toSorted((a, b) => a - b),
      refused,
    )
  }

  checkOrder(): void {
    for (const key of KEYS) {
      const ids = this.kafka
        .records('results')
        .filter(record => String(record.key) === key)
        .map(record => Number.parseInt(String(record.value), 10))
      assert.deepEqual(
        ids,
        ids.toSorted((a, b) => a - b),
      )
    }
  }
}

type Step =
  | { readonly do: 'put'; readonly key: string; readonly kind: Event['kind'] }
  | { readonly do: 'answer'; readonly which: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'hold acknowledgements' | 'release acknowledgements' }
  | { readonly do: 'time out' | 'lose partitions' | 'refuse a batch' | 'refuse offsets' | 'crash' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      key: fc.constantFrom(...KEYS),
      kind: fc.constantFrom(...KINDS),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('answer' as const), which: fc.nat(7) }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(5, 30, 150) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom<('hold acknowledgements' | 'release acknowledgements')[]>(
        'hold acknowledgements',
        'release acknowledgements',
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom<('time out' | 'lose partitions' | 'refuse a batch' | 'refuse offsets' | 'crash')[]>(
        'time out',
        'lose partitions',
        'refuse a batch',
        'refuse offsets',
        'crash',
      ),
    }),
  },
)

async function take(world: World, next: Step): Promise<void> {
  switch (next.do) {
    case 'put':
      world.put(next.key, next.kind)
      break
    case 'answer':
      world.answer(next.which)
      break
    case 'advance':
      await world.clock.advance(next.ms)
      break
    case 'hold acknowledgements':
      world.kafka.holdAcks()
      break
    case 'release acknowledgements':
      world.kafka.releaseAcks()
      break
    case 'time out':
      world.kafka.timeOutTransactions()
      break
    case 'lose partitions':
      if (world.kafka.assignments(GROUP).length > 0) world.kafka.expireMember(GROUP, 0)
      break
    case 'refuse a batch':
      world.kafka.failNextSend(new TopologyError('TOPOLOGY_TRANSACTION_ABORTED', 'out of order'))
      break
    case 'refuse offsets':
      world.kafka.failNextCommit(new TopologyError('TOPOLOGY_MEMBER_FENCED', 'of another epoch'))
      break
    case 'crash':
      await world.crash()
  }
  await settled()
}

test('whatever fails or crashes, what is seen is what the committed offsets cover', async () => {
  await oracleAsync(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async history => {
      const world = new World()
      await world.start()
      for (const next of history) {
        await take(world, next)
        world.check()
      }
      world.kafka.releaseAcks()
      const ends = Array.from({ length: PARTITIONS }, (_, partition) =>
        world.kafka.endOffset('events', partition),
      )
      for (let i = 0; i < 200 && world.committed.join() !== ends.join(); i += 1) {
        world.answer(0)
        await world.clock.advance(50)
        world.check()
      }
      assert.equal(world.state, 'running')
      assert.deepEqual(world.committed, ends)
      world.checkOrder()
      await world.close()
      world.check()
    }),
    { runs: 800 },
  )
})
