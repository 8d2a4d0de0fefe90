import type { MarketingEvent } from '@tributary/marketing-events'
import { randomNumbers } from '../../../services/braze-simulator/src/state/late-applying.ts'
import { booked, wishlisted } from '../in-process/events.ts'
import { orderViolations, type Fields } from '../in-process/picture.ts'
import type { RealGround } from './ground.ts'
import { API_KEY, cpuMsOf, RealSimulator, RealSink } from './processes.ts'
import { untilCommitted } from './waiting.ts'

export interface BacklogOptions {
  /** Before anything is folded or left out. */
  readonly objects: number
  readonly requestsPerSecond: number
  readonly seed: number
}

export interface BacklogFigures {
  readonly objects: number
  readonly requests: number
  readonly seconds: number
  readonly meanBatchFill: number
  readonly limitUse: number
  readonly mostInWindow: number
  readonly requestsOverLimit: number
  readonly lost: number
  readonly repeated: number
  readonly userOrderViolations: number
  readonly deadLetters: number
  /** Processor time by process, its start included; empty where it cannot be read. */
  readonly cpuMs: Readonly<Record<string, number | undefined>>
  /** Of what Braze is told. */
  readonly answers: Readonly<Record<string, number>>
  readonly sink: Fields
  readonly overlaps: number
}

/** Of 75. */
const WANTED_FILL = 70
const WANTED_LIMIT_USE = 0.95

const WINDOW_MS = 3_000
const OBJECTS_PER_USER = 15
const DEADLINE_MS = 180_000

/**
 * A backlog that waits in Kafka when the sink starts, so that the limit is all that holds it back: three records in four make
 * one object, the fourth makes two.
 */
export function* backlog({ objects, seed }: BacklogOptions): Generator<MarketingEvent> {
  const random = randomNumbers(seed)
  const users = Math.max(1, Math.floor(objects / OBJECTS_PER_USER))
  const counts = new Map<string, number>()
  for (let made = 0, record = 0; made < objects; record++) {
    const user = `u-${Math.floor(random() * users)}`
    const n = (counts.get(user) ?? 0) + 1
    counts.set(user, n)
    const isBooking = record % 4 === 3 && made + 2 <= objects
    yield isBooking ? booked(user, n, n % 2 === 0 ? 'Rome' : 'Paris') : wishlisted(user, n)
    made += isBooking ? 2 : 1
  }
}

/** The sink and the simulator as processes, on whatever cores there are. */
export async function measureBacklog(ground: RealGround, options: BacklogOptions): Promise<BacklogFigures> {
  await ground.clear()
  const inputs = await ground.publish(backlog(options))
  const perWindow = Math.round((options.requestsPerSecond * WINDOW_MS) / 1_000)
  const simulator = await RealSimulator.start(ground, {
    SIMULATOR_BURST_REQUESTS: String(perWindow),
    SIMULATOR_BURST_WINDOW_MS: String(WINDOW_MS),
    SIMULATOR_LATENCY_MS: '5',
  })
  const sink = await RealSink.start(ground, 'braze-sink', {
    BRAZE_URL: simulator.url,
    BRAZE_API_KEY: API_KEY,
    BRAZE_MAX_REQUESTS_PER_WINDOW: String(perWindow),
    BRAZE_WINDOW_MS: String(WINDOW_MS),
    BRAZE_MAX_IN_FLIGHT: '16',
    // There is no other process whose requests could still be in the window.
    BRAZE_HANDOVER_MS: '0',
  })
  await untilCommitted(ground, DEADLINE_MS)
  const [{ arrivals, meanFill, requests, overlaps }, { braze }, deadLetters] = await Promise.all([
    simulator.state(),
    sink.status(),
    ground.countDeadLetters(),
  ])
  const cpuMs = { sink: cpuMsOf(sink.pid), simulator: cpuMsOf(simulator.pid) }
  await sink.stop()
  const seen = await simulator.events()
  await simulator.stop()
  const { track } = arrivals
  const seconds = ((track.lastAt ?? 0) - (track.firstAt ?? 0)) / 1_000
  const ids = new Set(seen.map(({ event }) => (event['properties'] as { event_id: string }).event_id))
  const expected = inputs.length
  const byUser = Map.groupBy(seen, ({ user }) => user)
  const picture = Object.fromEntries(
    [...byUser].map(([user, events]) => [
      user,
      { attributes: {}, events: events.map(({ event }) => event), purchases: [] },
    ]),
  )
  return {
    objects: options.objects,
    requests: track.total,
    seconds,
    meanBatchFill: meanFill,
    limitUse: track.total / (options.requestsPerSecond * seconds),
    mostInWindow: track.mostInWindow,
    requestsOverLimit: track.overLimit,
    lost: expected - ids.size,
    repeated: seen.length - ids.size,
    userOrderViolations: orderViolations(picture, inputs),
    deadLetters,
    cpuMs,
    answers: requests.byStatus,
    sink: braze,
    overlaps: overlaps.count,
  }
}

/** What is not as it has to be, in words. */
export function judgeBacklog(
  figures: BacklogFigures,
  { isLimitUseJudged }: { readonly isLimitUseJudged: boolean },
): string[] {
  const { meanBatchFill, limitUse, answers } = figures
  const problems = (
    ['requestsOverLimit', 'lost', 'repeated', 'userOrderViolations', 'deadLetters', 'overlaps'] as const
  )
    .filter(name => figures[name] !== 0)
    .map(name => `${name} is ${figures[name]}`)
  if (Object.keys(answers).join() !== '201') problems.push(`answers ${JSON.stringify(answers)}`)
  if (meanBatchFill < WANTED_FILL)
    problems.push(`a request has ${meanBatchFill} objects; wanted: ${WANTED_FILL}`)
  if (isLimitUseJudged && limitUse < WANTED_LIMIT_USE)
    problems.push(`${limitUse} of the limit was used; wanted: ${WANTED_LIMIT_USE}`)
  return problems
}
