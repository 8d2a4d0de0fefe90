import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createServer } from '@tributary/service'
import { createKafkaClient, string, streamTopic, topology } from '@tributary/topology'
import { OwnBroker } from '../../../packages/topology/test/broker/own-broker.ts'
import { put, start } from '../../../packages/topology/test/broker/support.ts'
import { until } from '../../../test-support/until.ts'
import { Burrow, startBurrow, type BurrowCluster, type BurrowStatus } from '../../stack/burrow.ts'
import { BURROW, skipWithout, ZOOKEEPER } from '../../stack/debian-packages.ts'
import { OLDEST_KAFKA } from '../../stack/older-kafka.ts'
import { ProcessGroup } from '../../stack/process-group.ts'
import { newLogDirectory } from '../../stack/log-directory.ts'

/** As short as Burrow's whole seconds allow: a verdict looks at five commits that are a second apart. */
const WINDOW = { intervals: 5, minDistanceSeconds: 1, offsetRefreshSeconds: 1 }
/** Between two looks at the verdicts, and two steps of the load. */
const STEP_MS = 300
const GROUP = 'burrowed'
const WORDS = { topic: 'words', partitions: 1 }
/** As the metric shows them. */
const BURROWS_NUMBERS: Readonly<Record<string, number>> = { OK: 1, WARN: 2, STOP: 4 }
const text = { key: string(), value: string() }

const logDirectory = await newLogDirectory('burrow')
const packages = new ProcessGroup()
const skip = await skipWithout({ group: packages, logDirectory }, [BURROW, ZOOKEEPER])
await packages.stop()

/** Lets calls through one by one, or all of them. */
class Gate {
  #isOpen = true
  readonly #waiting: (() => void)[] = []

  pass(): Promise<void> {
    if (this.#isOpen) return Promise.resolve()
    return new Promise(resolve => {
      this.#waiting.push(resolve)
    })
  }

  close(): void {
    this.#isOpen = false
  }

  open(): void {
    this.#isOpen = true
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  letOneThrough(): void {
    this.#waiting.splice(0, 1)[0]?.()
  }
}

test(
  'a consumer that keeps up, is slowed, stops and recovers: Burrow says what we say',
  { skip },
  async t => {
    const scene = await watchedConsumer(t)
    const { gate, write } = scene
    await assertSameCluster(scene)
    await untilBothSay(scene, { status: 'OK', partition: 'OK', isBehind: false }, () => write(1))
    gate.close()
    await untilBothSay(scene, { status: 'WARN', partition: 'WARN', isBehind: true }, async () => {
      await write(3)
      gate.letOneThrough()
    })
    gate.open()
    await untilBothSay(scene, { status: 'OK', partition: 'OK', isBehind: false })
    gate.close()
    await write(20)
    await untilBothSay(scene, { status: 'ERR', partition: 'STOP', isBehind: true })
    gate.open()
    await untilBothSay(scene, { status: 'OK', partition: 'OK', isBehind: false })
  },
)

/** What the two say of the cluster has the same form, and where they can know the same, the same values. */
async function assertSameCluster({ burrow, ours }: WatchedConsumer): Promise<void> {
  const [theirs, own] = [await burrow.cluster(), await ours.cluster()]
  const formOf = ({ module, ...answer }: BurrowCluster): unknown => [
    Object.keys(answer),
    Object.entries(module).map(([name, value]) => `${name}: ${typeof value}`),
    Object.entries(module['client-profile']).map(([name, value]) => `${name}: ${typeof value}`),
  ]
  assert.deepEqual(formOf(own), formOf(theirs))
  assert.deepEqual(
    [own.message, own.module.servers, own.module['offset-refresh']],
    [theirs.message, theirs.module.servers, theirs.module['offset-refresh']],
  )
}

interface Verdict {
  readonly status: string
  readonly partition: string
  readonly isBehind: boolean
}

interface WatchedConsumer {
  readonly gate: Gate
  write(count: number): Promise<void>
  readonly burrow: Burrow
  /** The service's own paths, which are Burrow's. */
  readonly ours: Burrow
  readonly serviceUrl: string
}

/** An application whose records pass a gate, on a Kafka 3.9, with Burrow beside it. */
async function watchedConsumer(t: TestContext): Promise<WatchedConsumer> {
  const broker = await OwnBroker.start({ kafkaVersion: OLDEST_KAFKA })
  const group = new ProcessGroup()
  t.after(async () => {
    await group.stop()
    await broker.close()
  })
  const kafka = createKafkaClient({ brokers: broker.brokers, clientId: 'burrow-test' })
  t.after(() => kafka.close())
  await kafka.admin.createTopics([{ name: WORDS.topic, partitions: WORDS.partitions }])
  const gate = new Gate()
  const builder = topology(GROUP)
  builder
    .stream(streamTopic(WORDS.topic, text))
    .enrich({ using: () => gate.pass(), joiner: word => word })
    .foreach(() => undefined)
  const app = await start(t, builder.build(), {
    kafka: { brokers: broker.brokers },
    commitIntervalMs: 100,
    commitHistory: WINDOW.intervals,
    commitHistoryDistanceMs: WINDOW.minDistanceSeconds * 1_000,
    commitHistoryEndsMs: WINDOW.offsetRefreshSeconds * 1_000,
  })
  const server = createServer({ name: GROUP, app })
  t.after(() => server.close())
  const serviceUrl = await server.listen({ host: '127.0.0.1', port: 0 })
  const write = (count: number): Promise<void> =>
    put(
      kafka,
      WORDS,
      Array.from({ length: count }, () => ['key', 'word'] as const),
    )
  // Burrow begins with what it finds committed.
  await write(1)
  await until('the group has committed', () => app.stats().commits > 0)
  const burrow = await startBurrow({
    group,
    java: broker.reader.java,
    brokers: broker.brokers,
    dataDirectory: broker.reader.directory,
    logDirectory,
    window: WINDOW,
  })
  return { gate, write, burrow, ours: new Burrow(serviceUrl, 'kafka'), serviceUrl }
}

/** Both come to the verdict, while a step is made every now and then; each may be a second or two before the other. */
async function untilBothSay(
  { burrow, ours, serviceUrl }: WatchedConsumer,
  wanted: Verdict,
  step: () => void | Promise<void> = () => undefined,
): Promise<void> {
  let heard: readonly (Verdict | undefined)[] = []
  await until(
    `Burrow and the service both say ${wanted.status}`,
    async () => {
      await step()
      heard = [verdictOf(await burrow.status(GROUP)), verdictOf(await ours.status(GROUP))]
      return heard.every(verdict => JSON.stringify(verdict) === JSON.stringify(wanted))
    },
    { everyMs: STEP_MS, timeoutMs: 30_000 },
  ).catch(() => assert.fail(`wanted ${JSON.stringify(wanted)}, Burrow and we said ${JSON.stringify(heard)}`))
  const metrics = await (await fetch(`${serviceUrl}/metrics`)).text()
  const shown = /^tributary_consumer_status\{[^}]*\} (\d)/m.exec(metrics)?.[1]
  assert.equal(Number(shown), BURROWS_NUMBERS[wanted.partition])
}

/** Undefined while the group is not known. */
function verdictOf(status: BurrowStatus | undefined): Verdict | undefined {
  if (status === undefined) return undefined
  const [partition] = status.partitions
  return {
    status: status.status,
    partition: partition?.status ?? 'none',
    isBehind: status.totallag > 0,
  }
}
