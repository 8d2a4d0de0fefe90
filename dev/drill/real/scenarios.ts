import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { MarketingEvent } from '@tributary/marketing-events'
import { booked, customers, wishlisted } from '../in-process/events.ts'
import { lost, orderViolations, pictureOf, type Input, type Picture } from '../in-process/picture.ts'
import type { Outcome } from '../scenario.ts'
import type { RealGround } from './ground.ts'
import { API_KEY, RealSimulator, RealSink } from './processes.ts'
import { until, untilCommitted } from './waiting.ts'

export interface RealScenario {
  readonly name: string
  play(ground: RealGround): Promise<Outcome>
}

interface Scene {
  readonly ground: RealGround
  readonly simulator: RealSimulator
  readonly problems: string[]
  /** The environment of every sink of the scene. */
  readonly env: Readonly<Record<string, string>>
  check(holds: boolean, problem: string): void
}

interface Script {
  readonly name: string
  readonly simulator?: Readonly<Record<string, string>>
  readonly sink?: Readonly<Record<string, string>>
  /** How often an event may be there: more than once only where a process was killed. */
  readonly mayRepeat?: boolean
  /** Leaves every record committed and every sink stopped. Resolves with the records. */
  play(scene: Scene): Promise<readonly Input[]>
}

const DEADLINE_MS = 120_000

function real(script: Script): RealScenario {
  return { name: script.name, play: ground => playReal(script, ground) }
}

async function playReal(script: Script, ground: RealGround): Promise<Outcome> {
  const startedAt = performance.now()
  const problems: string[] = []
  const counts = { requests: 0, requestsOverLimit: 0, lost: 0, userOrderViolations: 0 }
  try {
    await ground.clear()
    const simulator = await RealSimulator.start(ground, { SIMULATOR_LATENCY_MS: '20', ...script.simulator })
    const env = { BRAZE_URL: simulator.url, BRAZE_API_KEY: API_KEY, ...script.sink }
    const check = (holds: boolean, problem: string): void => void (holds || problems.push(problem))
    const inputs = await script.play({ ground, simulator, problems, env, check })
    const { arrivals, overlaps } = await simulator.state()
    const seen = await simulator.picture(inputs)
    check(
      overlaps.count === 0 || script.mayRepeat === true,
      `${overlaps.count} overlapping requests of one user`,
    )
    check((await ground.countDeadLetters()) === 0, 'there are dead letters')
    problems.push(...differences(seen, pictureOf(inputs), script.mayRepeat ?? false))
    counts.requests = arrivals.track.total
    counts.requestsOverLimit = arrivals.track.overLimit
    counts.lost = lost(seen, inputs, [])
    counts.userOrderViolations = orderViolations(seen, inputs)
    for (const [name, count] of Object.entries(counts))
      check(name === 'requests' || count === 0, `${name} is ${count}`)
    await simulator.stop()
  } catch (error) {
    problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  const seconds = Math.round((performance.now() - startedAt) / 10) / 100
  return { name: script.name, problems, ...counts, seconds }
}

/** Where events may be there more than once, what is compared is each one's first time. */
function differences(seen: Picture, expected: Picture, mayRepeat: boolean): string[] {
  const users = [...new Set([...Object.keys(seen), ...Object.keys(expected)])]
  const firsts = ({ attributes, events, purchases }: Picture[string]): Picture[string] => {
    const texts = new Set(events.map(event => JSON.stringify(event)))
    return { attributes, purchases, events: [...texts].map(text => JSON.parse(text) as object as never) }
  }
  const wrong = users.filter(user => {
    const there = seen[user]
    return there === undefined || !isDeepStrictEqual(mayRepeat ? firsts(there) : there, expected[user])
  })
  if (wrong.length === 0) return []
  const [example = ''] = wrong
  return [
    `${wrong.length} of ${users.length} customers differ, such as ${example}: ${JSON.stringify(seen[example])?.slice(0, 600)}`,
  ]
}

function* history(users: number, from: number, to: number): Generator<MarketingEvent> {
  for (let n = from; n <= to; n++) {
    for (const user of customers(users))
      yield n % 4 === 0 ? booked(user, n, `city-${n}`) : wishlisted(user, n)
  }
}

async function heldBy(sink: RealSink): Promise<number> {
  return (await sink.status()).tasks.length
}

async function untilEachHolds(sinks: readonly RealSink[], partitions: number): Promise<void> {
  await until(
    `each of ${sinks.length} processes holds ${partitions} partitions`,
    async () => (await Promise.all(sinks.map(heldBy))).every(count => count === partitions),
    DEADLINE_MS,
  )
}

/** What needs processes, a broker and a registry. */
export const realScenarios: readonly RealScenario[] = [
  real({
    name: 'processes: three replicas and a rebalance in the middle share the limit, and nothing arrives twice',
    simulator: { SIMULATOR_BURST_REQUESTS: '90' },
    sink: { BRAZE_MAX_REQUESTS_PER_WINDOW: '90', BRAZE_REQUEST_TIMEOUT_MS: '3000' },
    async play({ ground, simulator, env, check }) {
      const inputs = await ground.publish(history(1_500, 1, 8))
      const sinks = [await RealSink.start(ground, 'sink-1', env), await RealSink.start(ground, 'sink-2', env)]
      await untilEachHolds(sinks, 3)
      await until(
        'Braze is reached',
        async () => (await simulator.state()).arrivals.track.total > 20,
        DEADLINE_MS,
      )
      sinks.push(await RealSink.start(ground, 'sink-3', env))
      await untilEachHolds(sinks, 2)
      inputs.push(...(await ground.publish(history(1_500, 9, 12))))
      await sinks[0]!.stop()
      await untilEachHolds(sinks.slice(1), 3)
      await untilCommitted(ground, DEADLINE_MS)
      for (const sink of sinks.slice(1)) await sink.stop()
      const { byStatus } = (await simulator.state()).requests
      check(byStatus['429'] === undefined, `answers ${JSON.stringify(byStatus)}`)
      return inputs
    },
  }),
  real({
    name: 'processes: kill -9 while requests are in flight loses nothing, and repeats no more than was in flight',
    simulator: { SIMULATOR_LATENCY_MS: '300' },
    sink: { BRAZE_HANDOVER_MS: '0' },
    mayRepeat: true,
    async play({ ground, simulator, env, check }) {
      const inputs = await ground.publish(history(1_500, 1, 6))
      const first = await RealSink.start(ground, 'killed', env)
      await until(
        'requests are in flight',
        async () => {
          const { arrivals, requests } = await simulator.state()
          return arrivals.track.total >= 20 && arrivals.track.total > requests.total
        },
        DEADLINE_MS,
      )
      await first.kill()
      const { accepted } = (await simulator.state()).objects
      check(accepted.events < inputs.length, 'everything had arrived before the kill')
      const second = await RealSink.start(ground, 'successor', env)
      await untilCommitted(ground, DEADLINE_MS)
      await second.stop()
      const repeated = (await simulator.state()).objects.accepted.events - inputs.length
      // What was in flight or delivered and not yet committed: at most what the step may hold (8 batches for each of 8).
      check(repeated <= 75 * 8 * 9, `${repeated} events arrived again`)
      return inputs
    },
  }),
  real({
    name: 'processes: a key is swapped in its file, and taken up without a restart',
    sink: { BRAZE_HANDOVER_MS: '0', BRAZE_PROBE_BASE_MS: '200', BRAZE_PROBE_MAX_MS: '1000' },
    async play({ ground, simulator, env, check }) {
      const directory = await mkdtemp(join(tmpdir(), 'drill-key-'))
      try {
        const file = join(directory, 'key')
        await writeFile(file, `${API_KEY}\n`)
        const { BRAZE_API_KEY: _, ...withoutKey } = env
        const sink = await RealSink.start(ground, 'key', { ...withoutKey, BRAZE_API_KEY_FILE: file })
        const inputs = await ground.publish(history(300, 1, 4))
        await untilCommitted(ground, DEADLINE_MS)
        await simulator.post('/_simulator/options', { apiKey: 'second-key' })
        inputs.push(...(await ground.publish(history(300, 5, 6))))
        await until('it says that it is shut out', async () => !(await sink.isReady()), DEADLINE_MS)
        // As secrets are mounted: the new file takes the old one's place.
        await writeFile(`${file}.new`, 'second-key\n')
        await rename(`${file}.new`, file)
        await untilCommitted(ground, DEADLINE_MS)
        check(await sink.isReady(), 'it is not ready with the new key')
        await sink.stop()
        return inputs
      } finally {
        await rm(directory, { recursive: true, force: true })
      }
    },
  }),
]
