import { relative } from 'node:path'
import { customerEvents } from '@tributary/marketing-events'
import { newLogDirectory } from '../stack/log-directory.ts'
import type { ProcessGroup } from '../stack/process-group.ts'
import { stackEnvironment } from '../stack/stack.ts'
import { generateDemoData } from './data/demo-data.ts'
import { untilDelivered, type DeliveryEnd } from './delivery.ts'
import { inputMessages } from './kafka/input-messages.ts'
import { readOffsets } from './kafka/offsets.ts'
import { publish, type Message } from './kafka/publish.ts'
import { measure } from './measure.ts'
import type { DemoOptions } from './options.ts'
import { Progress } from './progress.ts'
import { faultsOf, reportText, type Figures } from './report.ts'
import { ServiceProcesses } from './services/service-processes.ts'
import { readState } from './services/simulator.ts'
import { setUp, type Ground } from './set-up.ts'
import { startConsole } from './start-console.ts'
import { startServices, type RunningServices } from './start-services.ts'
import { expectedAtBraze, type Expectation } from './verify/expected.ts'

export interface DemoRun {
  readonly options: DemoOptions
  /** Stops everything that the demo has started. */
  readonly group: ProcessGroup
  /** For people. */
  readonly stream: NodeJS.WriteStream
}

export interface DemoResult {
  readonly figures: Figures
  readonly isCorrect: boolean
  /** Never resolves, rejects when a service ends: for a demo that is kept. */
  readonly failure: Promise<never>
}

/**
 * The main job from end to end, and the comparison. Everything is still running when it resolves.
 * @throws StackError, DemoError
 */
export async function runDemo({ options, group, stream }: DemoRun): Promise<DemoResult> {
  const say = (line: string): void => void stream.write(`${line}\n`)
  const data = generateDemoData(options)
  const expected = expectedAtBraze(data)
  const logDirectory = await newLogDirectory('demo')
  const ground = await setUp({ group, logDirectory, data, say })
  const processes = new ServiceProcesses(group, logDirectory)

  const flow = async (): Promise<Omit<DemoResult, 'failure'>> => {
    const services = await startServices(processes, ground, options)
    sayLogs(say, ground, processes)
    const messages = inputMessages(data, ground.codecs.get(customerEvents.name)!, options)
    const { end, seconds } = await deliver({ ground, services, messages, expected, stream })
    if (!end.isDelivered) say('Nothing has moved any more for a while: this is what has come of it.')
    const { admin } = ground
    const { outcome, received } = await measure({ options, admin, services, expected, seconds })
    say(reportText({ outcome, received, expected, columns: stream.columns ?? 0 }))
    return { figures: outcome.figures, isCorrect: faultsOf(outcome).length === 0 }
  }
  const result = await Promise.race([flow(), processes.failure])
  if (options.isKept) {
    const watched = processes.started.filter(({ name }) => /^(marketing-events|braze-sink)/.test(name))
    const address = await startConsole(processes, ground, watched)
    sayAddresses(say, ground, processes)
    say(`\nThe console, with replay allowed:\n  ${address}`)
  }
  return { ...result, failure: processes.failure }
}

interface Delivery {
  readonly ground: Ground
  readonly services: RunningServices
  readonly messages: readonly Message[]
  readonly expected: Expectation
  readonly stream: NodeJS.WriteStream
}

async function deliver({
  ground,
  services,
  messages,
  expected,
  stream,
}: Delivery): Promise<{ readonly end: DeliveryEnd; readonly seconds: number }> {
  const progress = new Progress(stream, [
    { label: 'published', total: messages.length },
    { label: 'processed', total: messages.length },
    { label: 'in Braze', total: expected.events.length },
  ])
  const stopped = new AbortController()
  let published = 0
  const startedAt = performance.now()
  try {
    const [end] = await Promise.all([
      untilDelivered({
        records: messages.length,
        brazeEvents: expected.events.length,
        async observe() {
          const { events } = await readState(services.brazeSimulator.url, stopped.signal)
          return { published, brazeEvents: events.kept, ...(await readOffsets(ground.admin)) }
        },
        onObservation: seen => progress.show([seen.published, seen.processed, seen.brazeEvents]),
        signal: stopped.signal,
      }),
      publish(ground.producer, messages, count => {
        published = count
      }),
    ])
    return { end, seconds: Math.round((end.movedAt - startedAt) / 10) / 100 }
  } finally {
    stopped.abort()
    progress.stop()
  }
}

function sayLogs(say: (line: string) => void, { stack }: Ground, processes: ServiceProcesses): void {
  const services = processes.started.map(({ name, logFile }) => [name, logFile] as const)
  say('The logs:')
  for (const [name, file] of [...Object.entries(stack.logs), ...services]) {
    say(`  ${name.padEnd(18)} ${relative(process.cwd(), file)}`)
  }
}

function sayAddresses(say: (line: string) => void, { stack }: Ground, processes: ServiceProcesses): void {
  say('\nStaying up until Ctrl-C:')
  for (const { name, url } of processes.started) say(`  ${name.padEnd(18)} ${url}`)
  for (const [name, value] of Object.entries(stackEnvironment(stack))) say(`  export ${name}='${value}'`)
}
