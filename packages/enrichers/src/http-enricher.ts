import type { Enricher } from './enricher.ts'
import { createEnricher } from './enricher.ts'
import { EnricherError, reasonOf } from './errors.ts'
import type { Answer } from './flight.ts'
import { HttpSource } from './http-source.ts'
import type { HttpRequest } from './http-source.ts'
import type { HttpAnswer } from './http-answer.ts'
import type { EnricherKey } from './key.ts'
import { identityOf, showKey } from './key.ts'
import type { EnricherOptions, EnricherSettings } from './options.ts'
import { enricherTable } from './options.ts'
import type { OptionTable } from './option-rules.ts'
import {
  group,
  integer,
  invalidOption,
  milliseconds,
  optional,
  readOptions,
  required,
} from './option-rules.ts'

interface HttpOptions<Input, Key extends EnricherKey, Result> extends EnricherOptions<Input, Key, Result> {
  /** Its path, if any, stands before each request's. */
  readonly baseUrl: string | URL
  /** Statuses besides 2xx that are answers too and reach `parse`, such as 404 for "none". Default: none. */
  readonly answerStatuses?: readonly number[]
  /** Default: 8 MiB. */
  readonly maxResponseBytes?: number
}

/** One call per key. */
export interface HttpSingleOptions<Input, Key extends EnricherKey, Result> extends HttpOptions<
  Input,
  Key,
  Result
> {
  readonly request: (key: NoInfer<Key>) => HttpRequest
  /** Whatever it throws is final: a bad answer stays bad. */
  readonly parse: (answer: HttpAnswer, key: NoInfer<Key>) => Result
  readonly batch?: never
}

/** One call for many keys. */
export interface HttpBatchOptions<Input, Key extends EnricherKey, Result> extends HttpOptions<
  Input,
  Key,
  Result
> {
  readonly batch: {
    readonly maxIds: number
    /** How long the first key waits for others when there is a free slot. Default: 5. */
    readonly lingerMs?: number
    readonly request: (keys: readonly NoInfer<Key>[]) => HttpRequest
    /**
     * The answer for each key: pairs, or a Map. A key without one fails alone. When it throws, or the API refuses,
     * the keys are asked for again in halves, so that in the end only those at fault fail.
     */
    readonly split: (
      answer: HttpAnswer,
      keys: readonly NoInfer<Key>[],
    ) => Iterable<readonly [NoInfer<Key>, Result]>
  }
  readonly request?: never
  readonly parse?: never
}

interface HttpSettings<Input, Key extends EnricherKey, Result> extends EnricherSettings<Input, Key, Result> {
  readonly baseUrl: URL
  readonly answerStatuses: readonly number[]
  readonly maxResponseBytes: number
  readonly request: ((key: Key) => HttpRequest) | undefined
  readonly parse: ((answer: HttpAnswer, key: Key) => Result) | undefined
  readonly batch: Required<HttpBatchOptions<Input, Key, Result>['batch']> | undefined
}

/**
 * An enricher that asks an HTTP API.
 *
 * @example
 * const upcoming = httpEnricher({
 *   name: 'upcoming-activities',
 *   baseUrl: 'http://activities-api:8080',
 *   key: (booking: Booking) => [booking.customerId, booking.bookedAt],
 *   request: ([customerId, after]) => ({ path: ['customers', customerId, 'upcoming-activities'], query: { after } }),
 *   parse: answer => (answer.json() as Upcoming).activities,
 *   cache: { ttlMs: 60_000 },
 * })
 * @throws EnricherError `ENRICHER_OPTION_INVALID`; the function that is returned rejects with the other codes
 */
export function httpEnricher<Input, const Key extends EnricherKey, Result>(
  options: HttpSingleOptions<Input, Key, Result> | HttpBatchOptions<Input, Key, Result>,
): Enricher<Input, Result> {
  const settings = readOptions(options, httpTable<Input, Key, Result>(), 'httpEnricher')
  const { name, batch } = settings
  const source = new HttpSource<Key, Result>({
    ...settings,
    now: settings.clock.now,
    ...(batch === undefined ? one(name, settings) : many(name, batch)),
  })
  return createEnricher(settings, batch ?? { maxIds: 1, lingerMs: 0 }, source)
}

type Calls<Key, Result> = {
  readonly request: (keys: readonly Key[]) => HttpRequest
  readonly parse: (answer: HttpAnswer, keys: readonly Key[]) => readonly Answer<Result>[]
}

function one<Input, Key extends EnricherKey, Result>(
  name: string,
  settings: HttpSettings<Input, Key, Result>,
): Calls<Key, Result> {
  const { request, parse } = settings
  if (request === undefined || parse === undefined)
    throw invalidOption(`httpEnricher(${name})`, 'must have request and parse, or batch', undefined)
  return {
    request: keys => request(keys[0]!),
    parse: (answer, keys) => [{ ok: true, result: parse(answer, keys[0]!) }],
  }
}

function many<Input, Key extends EnricherKey, Result>(
  name: string,
  batch: NonNullable<HttpSettings<Input, Key, Result>['batch']>,
): Calls<Key, Result> {
  return {
    request: batch.request,
    parse(answer, keys) {
      const found = new Map<unknown, Answer<Result>>()
      for (const [key, result] of batch.split(answer, keys)) found.set(identityOf(key), { ok: true, result })
      return keys.map(key => found.get(identityOf(key)) ?? { ok: false, error: missing(name, key) })
    },
  }
}

function missing(name: string, key: EnricherKey): EnricherError {
  const message = `Enricher ${name} got an answer without key ${showKey(key)}, which it asked for`
  return new EnricherError('ENRICHER_ANSWER_INVALID', message)
}

function httpTable<Input, Key extends EnricherKey, Result>(): OptionTable<HttpSettings<Input, Key, Result>> {
  type Settings = HttpSettings<Input, Key, Result>
  type Batch = NonNullable<Settings['batch']>
  return {
    ...enricherTable<Input, Key, Result>(),
    baseUrl: readBaseUrl,
    answerStatuses: readStatuses,
    maxResponseBytes: integer({ min: 1, max: 2 ** 31 - 1, default: 8 * 1_024 * 1_024 }),
    request: optional(required<NonNullable<Settings['request']>>('function')),
    parse: optional(required<NonNullable<Settings['parse']>>('function')),
    batch: optional(
      group<Batch>({
        maxIds: integer({ min: 1, max: 100_000 }),
        lingerMs: milliseconds({ default: 5 }),
        request: required<Batch['request']>('function'),
        split: required<Batch['split']>('function'),
      }),
    ),
  }
}

function readBaseUrl(value: unknown, path: string): URL {
  let url: URL
  try {
    url = new URL(String(value))
  } catch (cause) {
    throw invalidOption(path, `must be a URL (${reasonOf(cause)})`, value)
  }
  const isPlain = url.search === '' && url.hash === '' && url.username === '' && url.password === ''
  if ((url.protocol === 'http:' || url.protocol === 'https:') && isPlain) return url
  throw invalidOption(path, 'must be http or https, without a query, a fragment or credentials', url.origin)
}

function readStatuses(value: unknown, path: string): readonly number[] {
  const statuses: unknown = value ?? []
  if (
    Array.isArray(statuses) &&
    statuses.every(status => Number.isInteger(status) && status >= 300 && status < 600)
  )
    return statuses as readonly number[]
  throw invalidOption(path, 'must be an array of statuses from 300 to 599', value)
}
