import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Answer } from '../src/flight.ts'
import type { OpenCall } from './scripted-source.ts'
import { refused, rig, unavailable } from './scripted-source.ts'
import { until } from './until.ts'
import { oracleSeed as seed } from '../../../test-support/oracle.ts'

// The oracle is a world that changes: key k's answer at version v is `k:v`. Whatever the enricher gives out must be
// an answer that the world had within the time that the options allow.

const TTL_MS = 100
const STALE_MS = 50
const KEYS = 3

type Step =
  | { readonly kind: 'ask'; readonly keys: readonly number[] }
  | { readonly kind: 'change'; readonly key: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | {
      readonly kind: 'answer'
      readonly outcome: 'fine' | 'shuffled-late' | 'down' | 'refused' | 'one-refused'
    }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('ask'), keys: fc.array(fc.nat(KEYS - 1), { maxLength: 12 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('change'), key: fc.nat(KEYS - 1) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.integer({ min: 1, max: 130 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('answer'),
      outcome: fc.constantFrom(
        'fine',
        'fine',
        'shuffled-late',
        'shuffled-late',
        'down',
        'refused',
        'one-refused',
      ),
    }),
  },
)

interface Asked {
  readonly key: number
  readonly atMs: number
  readonly promise: Promise<string>
}

class World {
  /** Per key, since when it has had each version. */
  readonly #since = Array.from({ length: KEYS }, () => [-Infinity])

  now(key: number): string {
    return `${key}:${this.#since[key]!.length - 1}`
  }

  change(key: number, atMs: number): void {
    this.#since[key]!.push(atMs)
  }

  /** Whether this was the key's answer at some moment in the interval. */
  hadWithin(answer: string, key: number, [fromMs, toMs]: readonly [number, number]): boolean {
    const [answeredKey, version] = answer.split(':').map(Number)
    const since = this.#since[key]![version!]
    const until = this.#since[key]![version! + 1] ?? Infinity
    return answeredKey === key && since !== undefined && since <= toMs && until >= fromMs
  }
}

/** What a call brings: read from the world at the moment it is answered, as a real API would. */
function answersOf(world: World, call: OpenCall<number, string>, outcome: string): readonly Answer<string>[] {
  return call.keys.map((key, index) =>
    outcome === 'one-refused' && index === 0
      ? { ok: false, error: refused() }
      : { ok: true, result: world.now(key) },
  )
}

test(`answers belong to their key and are never older than allowed (ORACLE_SEED=${seed})`, async t => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 30, maxLength: 60, size: 'max' }),
      fc.integer({ min: 1, max: 4 }),
      async (steps, maxIds) => {
        const { enrich, source, clock } = rig<number>(t, {
          maxIds,
          concurrency: 3,
          cache: { ttlMs: TTL_MS, staleWhileRevalidateMs: STALE_MS, maxEntries: 2 },
          retry: { attempts: 1 },
          breaker: false,
        })
        const world = new World()
        const asked: Asked[] = []
        const open: OpenCall<number, string>[] = []
        const seen = new Set<OpenCall<number, string>>()
        const underway = new Set<number>()
        let ended = 0
        const collect = async (): Promise<void> => {
          await until('a call is under way', () => enrich.stats.inFlight > 0 || enrich.stats.waiting === 0)
          for (const call of source.calls) {
            if (seen.has(call)) continue
            seen.add(call)
            open.push(call)
            assert.ok(call.keys.length <= maxIds, 'a call has no more keys than maxIds')
            for (const key of call.keys) {
              assert.ok(!underway.has(key), `key ${key} is in two calls at once`)
              underway.add(key)
            }
          }
        }
        const settle = async (outcome: string): Promise<void> => {
          await collect()
          const call = outcome === 'shuffled-late' ? open.pop() : open.splice(0, 1)[0]
          if (call === undefined) return
          for (const key of call.keys) underway.delete(key)
          if (outcome === 'down') call.fail(unavailable())
          else if (outcome === 'refused' && call.keys.length === 1) call.fail(refused())
          else call.answerEach(answersOf(world, call, outcome))
          ended++
          await until('the answer has arrived', () => enrich.stats.calls - enrich.stats.inFlight === ended)
        }

        for (const next of steps) {
          if (next.kind === 'wait') clock.advance(next.ms)
          else if (next.kind === 'change') world.change(next.key, clock.monotonicMs())
          else if (next.kind === 'answer') await settle(next.outcome)
          else
            for (const key of next.keys) {
              const promise = enrich(key)
              promise.catch(() => {})
              asked.push({ key, atMs: clock.monotonicMs(), promise })
            }
        }
        while (enrich.stats.waiting > 0) await settle('fine')

        for (const { key, atMs, promise } of asked) {
          const [outcome] = await Promise.allSettled([promise])
          if (outcome!.status === 'rejected') {
            assert.ok(['ENRICHER_NETWORK_FAILED', 'ENRICHER_STATUS_REFUSED'].includes(outcome!.reason.code))
            continue
          }
          const allowed = [atMs - TTL_MS - STALE_MS, clock.monotonicMs()] as const
          assert.ok(
            world.hadWithin(outcome!.value, key, allowed),
            `${key} asked at ${atMs} got ${outcome!.value}`,
          )
        }
        const { hits, staleHits, misses, joins } = enrich.stats
        assert.equal(hits + staleHits + misses + joins, asked.length)
        await enrich.close()
      },
    ),
    { seed, numRuns: 60 },
  )
})
