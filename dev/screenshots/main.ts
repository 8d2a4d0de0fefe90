import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { customerEvents } from '@tributary/marketing-events'
import { generateDemoData } from '../demo/data/demo-data.ts'
import { inputMessages } from '../demo/kafka/input-messages.ts'
import { publish } from '../demo/kafka/publish.ts'
import { ServiceProcesses } from '../demo/services/service-processes.ts'
import { setUp } from '../demo/set-up.ts'
import { startConsole } from '../demo/start-console.ts'
import { startServices } from '../demo/start-services.ts'
import { chromiumProgram } from '../stack/chromium.ts'
import { stopOnSignals } from '../stack/interrupts.ts'
import { newLogDirectory } from '../stack/log-directory.ts'
import { ProcessGroup } from '../stack/process-group.ts'
import { StackError } from '../stack/stack-error.ts'
import { takePictures } from './pictures.ts'

// `npm run screenshots`: the pages of the console in docs/images/console, taken from services on which not all is well.

const FOLDER = fileURLToPath(new URL('../../docs/images/console/', import.meta.url))
const SEED = 1
const EVENTS = 30_000
const MALFORMED = 14
/** At once, before there are pictures. */
const FIRST = 4_000
/** More than the sink may send, so that it falls behind. */
const PER_SECOND = 60
/** Requests in three seconds: as little as a small contract has. */
const SINK_LIMITS = { BRAZE_MAX_REQUESTS_PER_WINDOW: '12', BRAZE_MAX_REQUESTS_PER_HOUR: '6000' }
/** Until the charts have a shape. */
const HISTORY_MS = 60_000
/** Until both sinks have heard that their key is invalid, and have said so. */
const SHUT_OUT_MS = 12_000

const FAULTS = [
  { status: 503, times: 3 },
  { status: 429, retryAfterSeconds: 2, times: 2 },
  { reset: true, times: 1 },
  { rejectName: 'activity_wishlisted', type: "'time' is not valid", times: 6 },
] as const

const group = new ProcessGroup()
stopOnSignals(() => group.stop())
try {
  await run()
} catch (error) {
  if (!group.isStopping) {
    process.exitCode = 1
    console.error(error instanceof StackError ? error.message : error)
  }
} finally {
  await group.stop()
}

async function run(): Promise<void> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`)
  const logDirectory = await newLogDirectory('screenshots')
  await chromiumProgram({ group, logDirectory })
  const data = generateDemoData({ seed: SEED, events: EVENTS })
  const { KAFKA_BROKERS: _, SCHEMA_REGISTRY_URL: __, DATABASE_URL: ___, ...env } = process.env
  const ground = await setUp({ group, logDirectory, data, say, ports: 'free', env })
  const processes = new ServiceProcesses(group, logDirectory)
  const services = await startServices(processes, ground, {
    instances: { 'marketing-events': 2, 'braze-sink': 2 },
    env: { 'braze-sink': SINK_LIMITS },
  })
  const address = await startConsole(processes, ground, Object.values(services.scaled).flat())
  const messages = inputMessages(data, ground.codecs.get(customerEvents.name)!, {
    seed: SEED,
    malformed: MALFORMED * (EVENTS / FIRST),
  })
  await publish(ground.producer, messages.slice(0, FIRST))
  for (const fault of FAULTS) await order(services.brazeSimulator.url, 'faults', fault)
  const ended = new AbortController()
  const trickling = trickle(messages.slice(FIRST), ended.signal, some => publish(ground.producer, some))
  say('Waiting until there is something to be seen …')
  await sleep(HISTORY_MS)
  await order(services.brazeSimulator.url, 'options', { apiKey: 'a-key-that-was-changed' })
  await sleep(SHUT_OUT_MS)
  await takePictures(address, FOLDER)
  ended.abort()
  await trickling
  say(`The pictures are in ${FOLDER}`)
}

/** What the simulator is to do from now on. */
async function order(simulator: string, what: 'faults' | 'options', body: object): Promise<void> {
  const answer = await fetch(`${simulator}/_simulator/${what}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!answer.ok)
    throw new Error(`The simulator does not take ${JSON.stringify(body)}: ${await answer.text()}`)
}

async function trickle<T>(
  items: readonly T[],
  signal: AbortSignal,
  send: (items: readonly T[]) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < items.length && !signal.aborted; at += PER_SECOND) {
    await send(items.slice(at, at + PER_SECOND))
    await sleep(1_000, undefined, { signal }).catch(() => undefined)
  }
}
