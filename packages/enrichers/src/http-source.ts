import { errors, Pool } from 'undici'
import type { Source } from './dispatcher.ts'
import { EnricherError, reasonOf } from './errors.ts'
import type { Answer } from './flight.ts'
import { HttpAnswer, statusFailure } from './http-answer.ts'

type QueryValue = string | number | boolean | bigint

/** One request, relative to the enricher's `baseUrl`. */
export interface HttpRequest {
  /** Default: GET, or POST with a body. The request may be sent more than once, so it must not change anything. */
  readonly method?: 'GET' | 'POST' | 'PUT'
  /** As it is, from the slash; or its segments, which are then escaped: `['customers', id, 'activities']`. */
  readonly path: string | readonly (string | number | bigint)[]
  /** Undefined values are left out; an array repeats its name. */
  readonly query?: Readonly<Record<string, QueryValue | readonly QueryValue[] | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
}

export interface HttpSourceSettings<Key, Result> {
  readonly name: string
  readonly baseUrl: URL
  readonly concurrency: number
  readonly timeoutMs: number
  readonly maxResponseBytes: number
  readonly answerStatuses: readonly number[]
  readonly now: () => number
  readonly request: (keys: readonly Key[]) => HttpRequest
  readonly parse: (answer: HttpAnswer, keys: readonly Key[]) => readonly Answer<Result>[]
}

/** Calls one HTTP API over a pool of kept-alive connections. */
export class HttpSource<Key, Result> implements Source<Key, Result> {
  readonly #settings: HttpSourceSettings<Key, Result>
  readonly #basePath: string
  readonly #pool: Pool

  constructor(settings: HttpSourceSettings<Key, Result>) {
    this.#settings = settings
    this.#basePath = settings.baseUrl.pathname.replace(/\/$/, '')
    this.#pool = new Pool(settings.baseUrl.origin, {
      connections: settings.concurrency,
      connect: { timeout: settings.timeoutMs },
      // One timeout for the whole call comes by the signal; undici's own go by a coarse clock.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxResponseSize: settings.maxResponseBytes,
    })
  }

  async call(keys: readonly Key[], signal: AbortSignal): Promise<readonly Answer<Result>[]> {
    const { name, answerStatuses, now } = this.#settings
    const request = this.#prepare(keys)
    let answer: HttpAnswer
    try {
      const { statusCode: status, headers, body } = await this.#pool.request({ ...request, signal })
      if ((status < 200 || status > 299) && !answerStatuses.includes(status)) {
        // Read to its end, else the connection cannot be used again.
        await body.dump()
        throw statusFailure(name, { status, headers }, now())
      }
      answer = new HttpAnswer(status, headers, await body.text())
    } catch (cause) {
      throw EnricherError.is(cause) ? cause : transportFailure(name, cause)
    }
    return this.#parse(answer, keys)
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  #prepare(keys: readonly Key[]): {
    readonly method: 'GET' | 'POST' | 'PUT'
    readonly path: string
    readonly headers: Record<string, string>
    readonly body: string | null
  } {
    try {
      const request = this.#settings.request(keys)
      const body = request.body === undefined ? null : JSON.stringify(request.body)
      const headers: Record<string, string> = { accept: 'application/json' }
      if (body !== null) headers['content-type'] = 'application/json'
      for (const [header, value] of Object.entries(request.headers ?? {}))
        headers[header.toLowerCase()] = value
      return {
        method: request.method ?? (body === null ? 'GET' : 'POST'),
        path: this.#basePath + pathOf(request.path) + queryOf(request.query ?? {}),
        headers,
        body,
      }
    } catch (cause) {
      const message = `Enricher ${this.#settings.name} cannot make a request of this input: ${reasonOf(cause)}`
      throw new EnricherError('ENRICHER_INPUT_INVALID', message, { cause })
    }
  }

  #parse(answer: HttpAnswer, keys: readonly Key[]): readonly Answer<Result>[] {
    try {
      return this.#settings.parse(answer, keys)
    } catch (cause) {
      if (EnricherError.is(cause)) throw cause
      const message = `Enricher ${this.#settings.name} cannot read the answer: ${reasonOf(cause)}`
      throw new EnricherError('ENRICHER_ANSWER_INVALID', message, { status: answer.status, cause })
    }
  }
}

function pathOf(path: HttpRequest['path']): string {
  if (typeof path === 'string') {
    if (path.startsWith('/')) return path
    throw new TypeError(`the path must begin with a slash, not ${JSON.stringify(path)}`)
  }
  return path.map(segmentOf).join('')
}

function segmentOf(segment: string | number | bigint): string {
  const text = String(segment)
  // Escaping leaves these as they are, and a server reads them as "here" and "one up".
  if (text === '' || text === '.' || text === '..')
    throw new TypeError(`a path's segment must not be ${JSON.stringify(text)}`)
  return `/${encodeURIComponent(text)}`
}

function queryOf(query: NonNullable<HttpRequest['query']>): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined) parameters.append(name, String(one))
  return parameters.size === 0 ? '' : `?${parameters.toString()}`
}

/** Anything that undici throws is the network's doing, but for what only the request or the answer can be blamed for. */
function transportFailure(name: string, cause: unknown): EnricherError {
  if (cause instanceof errors.InvalidArgumentError || cause instanceof TypeError) {
    const message = `Enricher ${name} made a request that cannot be sent: ${reasonOf(cause)}`
    return new EnricherError('ENRICHER_INPUT_INVALID', message, { cause })
  }
  if (cause instanceof errors.ResponseExceededMaxSizeError || cause instanceof errors.HeadersOverflowError) {
    const message = `Enricher ${name} got an answer that is larger than maxResponseBytes allows`
    return new EnricherError('ENRICHER_ANSWER_INVALID', message, { cause })
  }
  const message = `Enricher ${name} got no answer: ${reasonOf(cause)}`
  return new EnricherError('ENRICHER_NETWORK_FAILED', message, { retry: { kind: 'backoff' }, cause })
}
