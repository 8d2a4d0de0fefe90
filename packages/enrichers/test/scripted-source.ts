import type { Source } from '../src/dispatcher.ts'
import type { Enricher, Gathering } from '../src/enricher.ts'
import { createEnricher } from '../src/enricher.ts'
import type { Answer } from '../src/flight.ts'
import { EnricherError } from '../src/errors.ts'
import type { EnricherKey } from '../src/key.ts'
import type { EnricherOptions } from '../src/options.ts'
import { enricherTable } from '../src/options.ts'
import { readOptions } from '../src/option-rules.ts'
import { ManualClock } from './manual-clock.ts'

export interface OpenCall<Key, Result> {
  readonly keys: readonly Key[]
  readonly signal: AbortSignal
  answer(results: readonly Result[]): void
  answerEach(answers: readonly Answer<Result>[]): void
  fail(error: Error): void
}

/** A source whose calls stay open until the test answers them. */
export class ScriptedSource<Key, Result> implements Source<Key, Result> {
  /** Every call so far, in order. */
  readonly calls: OpenCall<Key, Result>[] = []
  isClosed = false

  call(keys: readonly Key[], signal: AbortSignal): Promise<readonly Answer<Result>[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly Answer<Result>[]>()
    this.calls.push({
      keys,
      signal,
      answer: results => resolve(results.map(result => ({ ok: true, result }))),
      answerEach: resolve,
      fail: reject,
    })
    return promise
  }

  close(): Promise<void> {
    this.isClosed = true
    return Promise.resolve()
  }
}

export interface Rig<Input, Key, Result> {
  readonly enrich: Enricher<Input, Result>
  readonly source: ScriptedSource<Key, Result>
  readonly clock: ManualClock
}

/** The real enricher over a scripted source, with time in the test's hand. Keys are the inputs. */
export function rig<Key extends EnricherKey, Result = string>(
  t: { after(fn: () => Promise<void>): void },
  options: Partial<EnricherOptions<Key, Key, Result>> & Partial<Gathering> = {},
): Rig<Key, Key, Result> {
  const { maxIds = 1, lingerMs = 0, ...rest } = options
  const clock = new ManualClock()
  const source = new ScriptedSource<Key, Result>()
  const settings = readOptions(
    { name: 'test', key: (input: Key) => input, clock, random: () => 0.5, ...rest },
    enricherTable<Key, Key, Result>(),
    'test',
  )
  const enrich = createEnricher(settings, { maxIds, lingerMs }, source)
  t.after(() => enrich.close())
  return { enrich, source, clock }
}

export function unavailable(): EnricherError {
  return new EnricherError('ENRICHER_NETWORK_FAILED', 'down', { retry: { kind: 'backoff' } })
}

export function refused(): EnricherError {
  return new EnricherError('ENRICHER_STATUS_REFUSED', 'no', { status: 400 })
}

export function throttled(ms?: number): EnricherError {
  const retry = ms === undefined ? ({ kind: 'backoff' } as const) : ({ kind: 'after', ms } as const)
  return new EnricherError('ENRICHER_THROTTLED', 'slow down', { retry, status: 429 })
}
