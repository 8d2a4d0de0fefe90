import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { TestClock } from '@tributary/topology/testing'
import fc from 'fast-check'
import type { Grant } from '../src/grant.ts'
import { RateLimiter } from '../src/rate-limiter.ts'
import { oracleSeed as seed } from '../../../test-support/oracle.ts'
import { HOUR_MS, NEVER } from './limiter-harness.ts'

interface Call {
  readonly kind: 'call'
  readonly process: number
  /** As many at once. */
  readonly times: number
  readonly isUrgent: boolean
  readonly latencyMs: number
  /** Where between grant and answer it arrives at Braze. */
  readonly arrival: number
  /** Refused when it arrives, with a pause of this length or one without a length. */
  readonly refused: number | 'unsaid' | undefined
  /** What the answer says of the limit. */
  readonly reading:
    { readonly limit: number; readonly remaining: number; readonly resetMs: number } | undefined
}

interface Rebalance {
  readonly kind: 'rebalance'
  /** By partition: the process that has it from now on. */
  readonly owners: readonly number[]
}

type Step = Call | Rebalance

const TIMEOUT_MS = 1_500
const PROCESSES = 3
const MAX_PARTITIONS = 5

const callOf = (maxTimes: number): fc.Arbitrary<Call> =>
  fc.record({
    kind: fc.constant('call' as const),
    process: fc.nat(PROCESSES - 1),
    times: fc.integer({ min: 1, max: maxTimes }),
    isUrgent: fc.boolean(),
    latencyMs: fc.nat(TIMEOUT_MS),
    arrival: fc.double({ min: 0, max: 1, noNaN: true }),
    refused: fc.oneof(
      { weight: 14, arbitrary: fc.constant(undefined) },
      fc.constant('unsaid' as const),
      fc.nat(5_000),
    ),
    reading: fc.option(
      fc.record({ limit: fc.constant(100), remaining: fc.nat(30), resetMs: fc.nat(20_000) }),
      {
        freq: 4,
        nil: undefined,
      },
    ),
  })

const rebalance: fc.Arbitrary<Rebalance> = fc.record({
  kind: fc.constant('rebalance' as const),
  owners: fc.array(fc.nat(PROCESSES - 1), { minLength: MAX_PARTITIONS, maxLength: MAX_PARTITIONS }),
})

const rebalanceThatLeavesEach: fc.Arbitrary<Rebalance> = fc.record({
  kind: fc.constant('rebalance' as const),
  owners: fc
    .tuple(
      fc.shuffledSubarray([0, 1, 2], { minLength: PROCESSES, maxLength: PROCESSES }),
      fc.nat(PROCESSES - 1),
      fc.nat(PROCESSES - 1),
    )
    .map(([each, ...others]) => [...each, ...others]),
})

interface Moment {
  readonly afterMs: number
  readonly step: Step
}

/** What a handover that is too short would let through: all have used what they have, it moves, and soon all want more. */
const handoverOf = (move: fc.Arbitrary<Rebalance>, times: number): fc.Arbitrary<readonly Moment[]> => {
  const wave = (afterMs: number): Moment[] =>
    Array.from({ length: PROCESSES }, (_, process) => ({
      afterMs: process === 0 ? afterMs : 0,
      step: {
        kind: 'call',
        process,
        times,
        isUrgent: true,
        latencyMs: 0,
        arrival: 0,
        refused: undefined,
        reading: undefined,
      },
    }))
  return fc
    .tuple(move, fc.nat(3_000))
    .map(([step, afterMs]) => [...wave(0), { afterMs: 0, step }, ...wave(afterMs)])
}

const historyOf = (
  move: fc.Arbitrary<Rebalance>,
  maxTimes: number,
): fc.Arbitrary<readonly (readonly Moment[])[]> => {
  const moment = fc.record({
    // Now and then long enough for an hour to go by with all that it gives.
    afterMs: fc.oneof(
      { weight: 8, arbitrary: fc.constant(0) },
      { weight: 5, arbitrary: fc.nat(2_000) },
      { weight: 1, arbitrary: fc.nat(HOUR_MS) },
    ),
    step: fc.oneof({ weight: 6, arbitrary: callOf(maxTimes) }, { weight: 1, arbitrary: move }),
  })
  return fc.array(
    fc.oneof(
      { weight: 30, arbitrary: moment.map(each => [each]) },
      { weight: 1, arbitrary: handoverOf(move, maxTimes) },
    ),
    { minLength: 1, maxLength: 100, size: 'max' },
  )
}

const limits = fc.record({
  maxRequests: fc.integer({ min: 1, max: 9 }),
  windowMs: fc.constantFrom(500, 3_000),
  maxRequestsPerHour: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
  partitionCount: fc.integer({ min: 1, max: MAX_PARTITIONS }),
  toHourMs: fc.nat(20_000),
  urgentReserve: fc.constantFrom(0, 0.1, 0.5),
})

/** Several processes that share limits, and Braze's own count of what arrives. */
class Fleet {
  readonly arrivals: number[] = []
  readonly pauses: { readonly process: number; readonly fromMs: number; readonly untilMs: number }[] = []
  readonly grants: { readonly process: number; readonly atMs: number }[] = []
  readonly limiters: readonly RateLimiter[]
  readonly #clock: TestClock
  /** Each call's end; a process gives a partition up when what is under way for it has ended. */
  readonly #partitionsOf: Set<number>[] = Array.from({ length: PROCESSES }, () => new Set())
  readonly #partitionCount: number

  constructor(clock: TestClock, partitionCount: number, make: () => RateLimiter) {
    this.#clock = clock
    this.#partitionCount = partitionCount
    this.limiters = Array.from({ length: PROCESSES }, make)
  }

  /** What is given up is given up first; what is under way for other partitions goes on. */
  rebalance(owners: readonly number[]): void {
    const wanted = this.limiters.map(
      (_, process) =>
        new Set(
          [...owners.slice(0, this.#partitionCount).entries()].flatMap(([p, o]) =>
            o === process ? [p] : [],
          ),
        ),
    )
    for (const [process, partitions] of wanted.entries()) {
      const kept = new Set(
        [...(this.#partitionsOf[process] ?? [])].filter(partition => partitions.has(partition)),
      )
      this.#assign(process, kept)
    }
    for (const [process, partitions] of wanted.entries()) this.#assign(process, partitions)
  }

  #assign(process: number, partitions: Set<number>): void {
    this.#partitionsOf[process] = partitions
    const assignment = { partitions: [...partitions], partitionCount: this.#partitionCount }
    this.limiters[process]?.assign(assignment)
  }

  async make(step: Call, signal: AbortSignal): Promise<void> {
    const { process, isUrgent, latencyMs, arrival, refused, reading } = step
    const limiter = this.limiters[process] as RateLimiter
    const clock = this.#clock
    let grant: Grant
    try {
      await limiter.whenReady({ signal, isUrgent })
      grant = await limiter.acquire({ signal, isUrgent })
    } catch (error) {
      const { retry } = error as { readonly retry?: { readonly ms: number } }
      if (retry === undefined) return
      await clock.sleep(retry.ms)
      return await this.make(step, signal)
    }
    this.grants.push({ process, atMs: clock.monotonicMs() })
    const toArrivalMs = Math.floor(latencyMs * arrival)
    await clock.sleep(toArrivalMs)
    this.arrivals.push(clock.monotonicMs())
    await clock.sleep(latencyMs - toArrivalMs)
    if (refused === undefined) {
      grant.end({ kind: 'answered', reading })
      return
    }
    grant.end({ kind: 'refused', pauseMs: refused === 'unsaid' ? undefined : refused })
    const fromMs = clock.monotonicMs()
    this.pauses.push({ process, fromMs, untilMs: fromMs + limiter.heldMs })
    await this.make({ ...step, refused: undefined }, signal)
  }
}

interface Case {
  readonly limits: fc.Arbitrary<
    Bounds & { readonly partitionCount: number; readonly toHourMs: number; readonly urgentReserve: number }
  >
  readonly history: ReturnType<typeof historyOf>
  readonly connections: number
  /** Undefined: as long as the limiter finds that it has to. */
  readonly handoverMs: (bounds: Bounds) => number | undefined
}

interface Bounds {
  readonly maxRequests: number
  readonly windowMs: number
  readonly maxRequestsPerHour: number | undefined
}

async function holdsForAll(
  t: TestContext,
  { limits, history, connections, handoverMs }: Case,
): Promise<void> {
  t.diagnostic(`ORACLE_SEED=${seed}`)
  let arrived = 0
  let moved = 0
  await fc.assert(
    fc.asyncProperty(
      history,
      limits,
      async (passages, { toHourMs, partitionCount, urgentReserve, ...bounds }) => {
        const steps = passages.flat()
        const startMs = 472_000 * HOUR_MS - toHourMs
        const clock = new TestClock(startMs)
        const options = { clock, random: () => 0.5, urgentReserve, requestTimeoutMs: TIMEOUT_MS, connections }
        const fleet = new Fleet(
          clock,
          partitionCount,
          () => new RateLimiter({ ...bounds, handoverMs: handoverMs(bounds) }, options),
        )
        const stop = new AbortController()
        fleet.rebalance([0, 1, 2, 0, 1])
        for (const { afterMs, step } of steps) {
          await clock.advance(afterMs)
          if (step.kind === 'rebalance') fleet.rebalance(step.owners)
          else for (let i = 0; i < step.times; i += 1) void fleet.make(step, stop.signal)
        }
        await clock.advance(60_000)
        stop.abort(new Error('the test ends'))
        arrived += fleet.arrivals.length
        moved += steps.filter(({ step }) => step.kind === 'rebalance').length
        checkArrivals(fleet.arrivals, startMs, bounds)
        for (const { process, fromMs, untilMs } of fleet.pauses) {
          const isWithin = fleet.grants.some(
            grant => grant.process === process && grant.atMs > fromMs && grant.atMs < untilMs,
          )
          assert.equal(isWithin, false, `a grant between ${fromMs} and ${untilMs}`)
        }
      },
    ),
    { seed, numRuns: 80, includeErrorInReport: true },
  )
  t.diagnostic(`${arrived} arrivals, ${moved} rebalances`)
  assert.ok(arrived > 2_000 && moved > 300)
}

const UNBOUNDED = 1_000

test('over all processes, no span of the window and no hour of the clock sees more arrivals than allowed, however partitions move', t =>
  holdsForAll(t, {
    limits,
    history: historyOf(rebalance, 6),
    connections: UNBOUNDED,
    handoverMs: ({ windowMs }) => windowMs + TIMEOUT_MS,
  }))

/** As many as the smallest part of the limits below: 10 by 5 partitions, a quarter of 40 an hour by 5. */
const FEW_CONNECTIONS = 2

test('so it is when a gain waits for the window alone, where what may be under way fits into the smallest part', t =>
  holdsForAll(t, {
    limits: fc.record({
      maxRequests: fc.integer({ min: 10, max: 20 }),
      windowMs: fc.constantFrom(500, 3_000),
      maxRequestsPerHour: fc.option(fc.integer({ min: 40, max: 90 }), { nil: undefined }),
      partitionCount: fc.integer({ min: PROCESSES, max: MAX_PARTITIONS }),
      toHourMs: fc.nat(20_000),
      urgentReserve: fc.constantFrom(0, 0.1, 0.5),
    }),
    // Whoever is left without a partition has nothing under way any more; here everyone keeps one.
    history: historyOf(rebalanceThatLeavesEach, 25),
    connections: FEW_CONNECTIONS,
    handoverMs: () => undefined,
  }))

/** Counts anew, without any knowledge of shares, budgets or places. */
function checkArrivals(unsorted: readonly number[], startMs: number, bounds: Bounds): void {
  const arrivals = unsorted.toSorted((a, b) => a - b)
  for (const [index, arrivedMs] of arrivals.entries()) {
    const next = arrivals[index + bounds.maxRequests]
    if (next !== undefined) assert.ok(next - arrivedMs >= bounds.windowMs, `${arrivedMs} and ${next}`)
  }
  const hours = Map.groupBy(arrivals, arrivedMs => Math.floor((startMs + arrivedMs) / HOUR_MS))
  for (const [hour, inHour] of hours) {
    const { maxRequestsPerHour = Infinity } = bounds
    assert.ok(
      inHour.length <= maxRequestsPerHour,
      `${inHour.length} of ${maxRequestsPerHour} in hour ${hour}`,
    )
  }
}

function stillness(): {
  readonly clock: TestClock
  readonly work: (limiter: RateLimiter, latencyMs: number) => () => number
} {
  const clock = new TestClock()
  return {
    clock,
    work: (limiter, latencyMs) => {
      let made = 0
      const worker = async (): Promise<void> => {
        for (;;) {
          const grant = await limiter.acquire({ signal: NEVER, isUrgent: true })
          await clock.sleep(latencyMs)
          grant.end({ kind: 'answered', reading: undefined })
          made += 1
        }
      }
      for (let i = 0; i < 32; i += 1) void worker()
      return () => made
    },
  }
}

test('under a backlog the whole limit is used, but for the time that answers take', async () => {
  const { clock, work } = stillness()
  const bounds = { maxRequests: 300, windowMs: 3_000, maxRequestsPerHour: undefined, handoverMs: 4_000 }
  const options = {
    clock,
    random: () => 0.5,
    urgentReserve: 0.1,
    requestTimeoutMs: 1_000,
    connections: UNBOUNDED,
  }
  const made = work(new RateLimiter(bounds, options), 20)
  await clock.advance(30_000)
  assert.ok(made() >= 0.99 * 3_000, `${made()} of 3,000`)
  assert.ok(made() <= 3_300, `${made()}: a whole window more at the most`)
})

test('three processes under a backlog use the whole limit together', async () => {
  const { clock, work } = stillness()
  const bounds = { maxRequests: 301, windowMs: 3_000, maxRequestsPerHour: undefined, handoverMs: 4_000 }
  const options = {
    clock,
    random: () => 0.5,
    urgentReserve: 0.1,
    requestTimeoutMs: 1_000,
    connections: UNBOUNDED,
  }
  const made = [0, 1, 2].map(process => {
    const limiter = new RateLimiter(bounds, options)
    limiter.assign({ partitions: [process, process + 3], partitionCount: 6 })
    return work(limiter, 20)
  })
  const sum = (): number => made.reduce((all, one) => all + one(), 0)
  await clock.advance(4_000)
  assert.equal(sum(), 0, 'not before the former owners can have had their share')
  await clock.advance(30_000)
  assert.ok(sum() >= 0.99 * 3_010, `${sum()} of 3,010`)
})

test('an hour under a backlog uses all that the hour allows', async () => {
  const { clock, work } = stillness()
  const startMs = Math.ceil(clock.now() / HOUR_MS) * HOUR_MS
  await clock.advance(startMs - clock.now() - 5_000)
  const bounds = { maxRequests: 50, windowMs: 3_000, maxRequestsPerHour: 2_000, handoverMs: 0 }
  const options = {
    clock,
    random: () => 0.5,
    urgentReserve: 0.1,
    requestTimeoutMs: 1_000,
    connections: UNBOUNDED,
  }
  const limiter = new RateLimiter(bounds, options)
  const made = work(limiter, 20)
  await clock.advance(3_605_000 - 20)
  assert.ok(made() >= 1_990 && made() <= 2_002, `${made()} of 2,000`)
})
