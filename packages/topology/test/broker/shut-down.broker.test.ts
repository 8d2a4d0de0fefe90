import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import type { KafkaClient } from '@tributary/topology'
import { dumpTopic } from '../../../../dev/chaos/topic-dump.ts'
import { StackError } from '../../../../dev/stack/stack-error.ts'
import { until } from '../../../../test-support/until.ts'
import { createKafkaClient } from '../../src/client/platformatic/kafka-client.ts'
import { useQuickHeartbeats } from './kafka-tools.ts'
import { OwnBroker } from './own-broker.ts'
import { assertAscending, freshId, put } from './support.ts'

const PARTITIONS = 3
const KEYS = 60
/** Seconds of work, so that all tests end in the middle of it: the calls of a key are made one after the other. */
const WORDS = 3_000
const SHUTDOWN_TIMEOUT_MS = 3_000
/** For a process to end on a busy machine. */
const MARGIN_MS = 2_000

const GUARANTEES = ['at-least-once', 'exactly-once'] as const
type Guarantee = (typeof GUARANTEES)[number]

let broker: OwnBroker | undefined
/** Why there is none. */
let missing = ''

before(async () => {
  try {
    broker = await OwnBroker.start()
  } catch (error) {
    if (!(error instanceof StackError)) throw error
    missing = error.message
  }
})
after(() => broker?.close())

class Service {
  readonly #child
  #output = ''
  #signalledAt = 0

  constructor(t: TestContext, at: OwnBroker, args: readonly string[]) {
    const entry = join(import.meta.dirname, 'shut-down-process.ts')
    this.#child = spawn(process.execPath, ['-C', '@tributary/source', entry, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, OWN_BROKERS: at.brokers.join(',') },
    })
    this.#child.stdout.setEncoding('utf8').on('data', text => (this.#output += text))
    t.after(() => this.#child.kill('SIGKILL'))
  }

  signal(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): void {
    this.#signalledAt = performance.now()
    this.#child.kill(signal)
  }

  async says(message: string): Promise<void> {
    await until(`it says '${message}'`, () => this.#output.includes(`"msg":"${message}"`), { everyMs: 5 })
  }

  /** The exit code within a time after the last signal. */
  async ends(withinMs: number): Promise<number | null> {
    if (this.#child.exitCode === null) await once(this.#child, 'exit')
    const afterMs = performance.now() - this.#signalledAt
    assert.ok(afterMs < withinMs + MARGIN_MS, `ended after ${afterMs} ms\n${this.#output}`)
    return this.#child.exitCode
  }
}

interface Work {
  readonly id: string
  readonly broker: OwnBroker
  readonly guarantee: Guarantee
  readonly committed: () => Promise<number>
  readonly service: (shutdownTimeoutMs?: number) => Service
}

/** A topic full of words. */
async function prepare(t: TestContext, at: OwnBroker, guarantee: Guarantee): Promise<Work> {
  const kafka: KafkaClient = createKafkaClient({ brokers: at.brokers, clientId: 'topology-test' })
  t.after(() => kafka.close())
  const id = freshId('shut-down')
  const words = { topic: `${id}-words`, partitions: PARTITIONS }
  await kafka.admin.createTopics([
    { name: words.topic, partitions: PARTITIONS },
    { name: `${id}-results`, partitions: PARTITIONS },
  ])
  await useQuickHeartbeats(id, 2_000, at.brokers)
  await put(
    kafka,
    words,
    Array.from({ length: WORDS }, (_, i) => [`k${i % KEYS}`, String(i)] as const),
  )
  const member = kafka.createGroupMember({ groupId: id, topics: [words.topic] })
  const inputs = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: words.topic, partition }))
  return {
    id,
    broker: at,
    guarantee,
    service: (shutdownTimeoutMs = SHUTDOWN_TIMEOUT_MS) =>
      new Service(t, at, [id, guarantee, String(shutdownTimeoutMs)]),
    async committed() {
      const offsets = await member.committed(inputs)
      return offsets.reduce<number>((sum, offset) => sum + (offset ?? 0), 0)
    },
  }
}

async function isUnderWay({ committed }: Work): Promise<void> {
  await until(
    'it is in the middle of its work',
    async () => {
      const count = await committed()
      assert.ok(count < WORDS, 'it was too quick for this test')
      return count > 0
    },
    { timeoutMs: 30_000, everyMs: 20 },
  )
}

/** A successor does what is left; then every word is there, in the order of its key. */
async function successorCompletes(work: Work): Promise<void> {
  const successor = work.service()
  await until('everything is committed', async () => (await work.committed()) === WORDS, {
    timeoutMs: 60_000,
    everyMs: 100,
  })
  successor.signal()
  assert.equal(await successor.ends(SHUTDOWN_TIMEOUT_MS), 0)
  const results = await dumpTopic(work.broker.reader, `${work.id}-results`)
  const seen = results.map(({ value }) => Number(value))
  if (work.guarantee === 'exactly-once') assert.equal(seen.length, WORDS, 'each word once')
  const first = [...new Set(seen)]
  assert.equal(first.length, WORDS, 'no word is lost')
  for (const [key, numbers] of Map.groupBy(first, word => word % KEYS)) {
    assertAscending(numbers, `in order for k${key}`)
  }
}

const LOSSES = [
  {
    what: 'a broker that stands still',
    take: (at: OwnBroker) => at.freeze(),
    giveBack: (at: OwnBroker) => at.thaw(),
  },
  {
    what: 'a broker that is gone',
    take: (at: OwnBroker) => at.kill(),
    giveBack: (at: OwnBroker) => at.startAgain(),
  },
] as const

for (const { what, take, giveBack } of LOSSES)
  test(`SIGTERM with ${what} ends a process of either guarantee in time with exit code 0, and its successor loses nothing`, async t => {
    if (broker === undefined) return t.skip(missing)
    const works = await Promise.all(GUARANTEES.map(guarantee => prepare(t, broker!, guarantee)))
    const services = works.map(work => work.service())
    await Promise.all(works.map(isUnderWay))
    await take(broker)
    try {
      for (const service of services) service.signal()
      for (const service of services) assert.equal(await service.ends(SHUTDOWN_TIMEOUT_MS), 0)
    } finally {
      await giveBack(broker)
    }
    for (const work of works) assert.ok((await work.committed()) < WORDS, 'something was left to do')
    await Promise.all(works.map(successorCompletes))
  })

test('a second signal ends a process that waits for its broker at once, with exit code 130', async t => {
  if (broker === undefined) return t.skip(missing)
  const work = await prepare(t, broker, 'at-least-once')
  const service = work.service(60_000)
  await isUnderWay(work)
  broker.freeze()
  try {
    service.signal()
    await service.says('stopping')
    service.signal('SIGINT')
    assert.equal(await service.ends(0), 130)
  } finally {
    broker.thaw()
  }
  await successorCompletes(work)
})
