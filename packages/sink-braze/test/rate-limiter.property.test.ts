import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestClock } from '@tributary/topology/testing'
import fc from 'fast-check'
import { RateLimiter } from '../src/rate-limiter.ts'
import { oracleSeed as seed } from '../../../test-support/oracle.ts'

const HOUR_MS = 3_600_000

interface Call {
  /** After the previous one was asked for. */
  readonly afterMs: number
  readonly latencyMs: number
  /** Where between grant and answer it arrives at Braze. */
  readonly arrival: number
  /** Refused when it arrives, with a pause of this length or one without a length. */
  readonly refused: number | 'unsaid' | undefined
}

const calls = fc.array(
  fc.record({
    afterMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(2_000)),
    latencyMs: fc.nat(1_500),
    arrival: fc.double({ min: 0, max: 1, noNaN: true }),
    refused: fc.oneof(
      { weight: 12, arbitrary: fc.constant(undefined) },
      fc.constant('unsaid' as const),
      fc.nat(5_000),
    ),
  }),
  { minLength: 1, maxLength: 60 },
)

interface Seen {
  readonly arrivals: number[]
  readonly grants: number[]
  readonly pauses: { readonly fromMs: number; readonly untilMs: number }[]
}

/** Every call is made until Braze has taken it. */
async function play(limiter: RateLimiter, clock: TestClock, history: readonly Call[]): Promise<Seen> {
  const seen: Seen = { arrivals: [], grants: [], pauses: [] }
  const { signal } = new AbortController()
  let open = history.length
  const make = async ({ latencyMs, arrival, refused }: Call, isFirst: boolean): Promise<void> => {
    await limiter.whenReady(signal)
    let grant
    try {
      grant = await limiter.acquire(signal)
    } catch (error) {
      const { retry } = error as { readonly retry: { readonly ms: number } }
      await clock.sleep(retry.ms)
      await make({ afterMs: 0, latencyMs, arrival, refused }, isFirst)
      return
    }
    seen.grants.push(clock.monotonicMs())
    const toArrivalMs = Math.floor(latencyMs * arrival)
    await clock.sleep(toArrivalMs)
    seen.arrivals.push(clock.monotonicMs())
    await clock.sleep(latencyMs - toArrivalMs)
    grant.end()
    if (isFirst && refused !== undefined) {
      limiter.pause(grant, refused === 'unsaid' ? undefined : refused)
      const fromMs = clock.monotonicMs()
      seen.pauses.push({ fromMs, untilMs: fromMs + limiter.heldMs })
      await make({ afterMs: 0, latencyMs, arrival, refused }, false)
      return
    }
    limiter.resume(grant)
    open -= 1
  }
  for (const call of history) {
    await clock.advance(call.afterMs)
    void make(call, true)
  }
  while (await clock.step());
  assert.equal(open, 0, 'every call is made in the end')
  return seen
}

test('no span of the window and no hour of the clock ever sees more arrivals than allowed', async t => {
  t.diagnostic(`ORACLE_SEED=${seed}`)
  const limits = fc.record({
    maxRequests: fc.integer({ min: 1, max: 8 }),
    windowMs: fc.constantFrom(500, 3_000),
    maxRequestsPerHour: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
    toHourMs: fc.nat(10_000),
  })
  await fc.assert(
    fc.asyncProperty(calls, limits, async (history, { toHourMs, ...bounds }) => {
      const startMs = 472_000 * HOUR_MS - toHourMs
      const clock = new TestClock(startMs)
      const limiter = new RateLimiter(bounds, { clock, random: () => 0.5 })
      const { arrivals, grants, pauses } = await play(limiter, clock, history)
      arrivals.sort((a, b) => a - b)
      for (const [index, arrivedMs] of arrivals.entries()) {
        const next = arrivals[index + bounds.maxRequests]
        if (next !== undefined) assert.ok(next - arrivedMs >= bounds.windowMs, `${arrivedMs} and ${next}`)
      }
      const hours = Map.groupBy(arrivals, arrivedMs => Math.floor((startMs + arrivedMs) / HOUR_MS))
      for (const inHour of hours.values()) {
        assert.ok(inHour.length <= (bounds.maxRequestsPerHour ?? Infinity), `${inHour.length} in an hour`)
      }
      for (const { fromMs, untilMs } of pauses) {
        assert.equal(
          grants.some(grantedMs => grantedMs > fromMs && grantedMs < untilMs),
          false,
          `a grant between ${fromMs} and ${untilMs}`,
        )
      }
    }),
    { seed, numRuns: 300, includeErrorInReport: true },
  )
})

test('under a backlog the whole limit is used, but for the time that answers take', async () => {
  const clock = new TestClock()
  const bounds = { maxRequests: 300, windowMs: 3_000, maxRequestsPerHour: undefined }
  const limiter = new RateLimiter(bounds, { clock, random: () => 0.5 })
  const { signal } = new AbortController()
  let made = 0
  const worker = async (): Promise<void> => {
    for (;;) {
      const grant = await limiter.acquire(signal)
      await clock.sleep(20)
      grant.end()
      made += 1
    }
  }
  for (let i = 0; i < 32; i += 1) void worker()
  await clock.advance(30_000)
  assert.ok(made >= 0.99 * 3_000, `${made} of 3,000`)
  assert.ok(made <= 3_300, `${made}: a whole window more at the most`)
})
