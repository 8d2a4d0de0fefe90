import type { MarketingEvent } from '@tributary/marketing-events'
import { randomNumbers } from '../../../services/braze-simulator/src/state/late-applying.ts'
import { booked, wishlisted } from '../in-process/events.ts'
import { orderViolations, type Fields } from '../in-process/picture.ts'
import type { RealGround } from './ground.ts'
import { API_KEY, cpuMsOf, RealSimulator, RealSink } from './processes.ts'
import { until, untilCommitted } from './waiting.ts'

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
  /** Processor time by process, all threads; NaN where it cannot be read. */
  readonly cpuMs: Readonly<Record<'sink' | 'simulator', number>>
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

/** Three records in four make one object, the fourth makes two. */
export function* backlog(
  { objects, seed }: Pick<BacklogOptions, 'objects' | 'seed'>,
  prefix: string,
): Generator<MarketingEvent> {
  const random = randomNumbers(seed)
  const users = Math.max(1, Math.floor(objects / OBJECTS_PER_USER))
  const counts = new Map<string, number>()
  for (let made = 0, record = 0; made < objects; record++) {
    const user = `${prefix}-${Math.floor(random() * users)}`
    const n = (counts.get(user) ?? 0) + 1
    counts.set(user, n)
    const isBooking = record % 4 === 3 && made + 2 <= objects
    yield isBooking ? booked(user, n, n % 2 === 0 ? 'Rome' : 'Paris') : wishlisted(user, n)
    made += isBooking ? 2 : 1
  }
}

/**
 * The sink and the simulator as processes, on whatever cores there are. As after an outage, the sink has been running for a
 * while: what a sixth of the objects takes warms both up, and is not measured. It is frozen while the backlog is written, so
 * that from its first request on the limit is all that may hold it back.
 *
 * `limitUse` is the requests in proportion to the limit times the time from the first arrival to the last, as the simulator
 * has recorded them: 1 is the steady rate. A sliding window lets a burst of a whole window through at the start, so a sink
 * that is fast enough can come to a little more without ever being over the limit.
 */
export async function measureBacklog(ground: RealGround, options: BacklogOptions): Promise<BacklogFigures> {
  await ground.clear()
  const perWindow = Math.round((options.requestsPerSecond * WINDOW_MS) / 1_000)
  const { simulator, sink } = await startBoth(ground, perWindow)
  await ground.publish(backlog({ objects: Math.ceil(options.objects / 6), seed: options.seed }, 'warm'))
  await untilCommitted(ground, DEADLINE_MS)
  sink.freeze()
  const inputs = await ground.publish(backlog(options, 'u'))
  await until(
    'no request of before is in the window',
    async () => (await simulator.state()).limits[0]?.remaining === perWindow,
    DEADLINE_MS,
  )
  await simulator.post('/_simulator/reset', {})
  const before = cpuOf(sink, simulator)
  sink.thaw()
  await untilCommitted(ground, DEADLINE_MS)
  const [{ arrivals, meanFill, requests, overlaps }, { braze }, deadLetters] = await Promise.all([
    simulator.state(),
    sink.status(),
    ground.countDeadLetters(),
  ])
  const after = cpuOf(sink, simulator)
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
    cpuMs: { sink: after.sink - before.sink, simulator: after.simulator - before.simulator },
    answers: requests.byStatus,
    sink: braze,
    overlaps: overlaps.count,
  }
}

async function startBoth(
  ground: RealGround,
  perWindow: number,
): Promise<{ readonly simulator: RealSimulator; readonly sink: RealSink }> {
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
    // A backlog fills requests without waiting. Only the last few, of customers who take several requests, wait this long.
    BRAZE_LINGER_MS: '50',
    // There is no other process whose requests could still be in the window.
    BRAZE_HANDOVER_MS: '0',
  })
  return { simulator, sink }
}

function cpuOf(sink: RealSink, simulator: RealSimulator): BacklogFigures['cpuMs'] {
  return { sink: cpuMsOf(sink.pid), simulator: cpuMsOf(simulator.pid) }
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
