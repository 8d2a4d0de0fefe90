import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKafkaClient, string, streamTopic, topology } from '@tributary/topology'
import { OwnBroker } from '../../../packages/topology/test/broker/own-broker.ts'
import { put, start } from '../../../packages/topology/test/broker/support.ts'
import { until } from '../../../test-support/until.ts'
import { startBurrow, type Burrow } from '../../stack/burrow.ts'
import { BURROW, skipWithout, ZOOKEEPER } from '../../stack/debian-packages.ts'
import { OLDEST_KAFKA } from '../../stack/older-kafka.ts'
import { ProcessGroup } from '../../stack/process-group.ts'
import { newLogDirectory } from '../../stack/log-directory.ts'

/** As short as Burrow's whole seconds allow: a verdict looks at five commits that are a second apart. */
const WINDOW = { intervals: 5, minDistanceSeconds: 1, offsetRefreshSeconds: 1 }
/** Between two looks at the verdicts, and two steps of the load. */
const STEP_MS = 300
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

test('a consumer that keeps up, is slowed, stops and recovers: Burrow says so', { skip }, async t => {
  const broker = await OwnBroker.start({ kafkaVersion: OLDEST_KAFKA })
  const group = new ProcessGroup()
  t.after(async () => {
    await group.stop()
    await broker.close()
  })
  const kafka = createKafkaClient({ brokers: broker.brokers, clientId: 'burrow-test' })
  t.after(() => kafka.close())
  const words = { topic: 'words', partitions: 1 }
  await kafka.admin.createTopics([{ name: words.topic, partitions: 1 }])
  const gate = new Gate()
  const builder = topology('burrowed')
  builder
    .stream(streamTopic(words.topic, text))
    .enrich({ using: () => gate.pass(), joiner: word => word })
    .foreach(() => undefined)
  const app = await start(t, builder.build(), {
    kafka: { brokers: broker.brokers },
    commitIntervalMs: 100,
  })
  let written = 0
  const write = async (count: number): Promise<void> => {
    written += count
    await put(
      kafka,
      words,
      Array.from({ length: count }, () => ['key', 'word'] as const),
    )
  }
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
  const heard: string[] = []
  const untilBoth = async (verdict: string, step: () => void | Promise<void>): Promise<void> => {
    await until(
      `Burrow says ${verdict}, after ${heard.join(', ')}`,
      async () => {
        await step()
        const said = await verdictOf(burrow, 'burrowed')
        if (said !== undefined && said !== heard.at(-1)) heard.push(said)
        return said === verdict
      },
      { everyMs: STEP_MS, timeoutMs: 30_000 },
    )
  }

  await untilBoth('OK: OK, lag 0', () => write(1))
  gate.close()
  await untilBoth('WARN: WARN, lag', async () => {
    await write(3)
    gate.letOneThrough()
  })
  gate.open()
  await untilBoth('OK: OK, lag 0', () => undefined)
  gate.close()
  await write(20)
  await untilBoth('ERR: STOP, lag', () => undefined)
  gate.open()
  await untilBoth('OK: OK, lag 0', () => undefined)
  assert.ok(true)
})

/** Of the group, of its partition, and whether records wait. Undefined while Burrow knows no such group. */
async function verdictOf(burrow: Burrow, groupId: string): Promise<string | undefined> {
  const found = await burrow.status(groupId)
  if (found === undefined) return undefined
  const [partition] = found.partitions
  return `${found.status}: ${partition?.status}, lag${found.totallag === 0 ? ' 0' : ''}`
}
