import type { Clock } from '@tributary/topology'
import { Pool } from 'undici'
import { BrazeError } from './errors.ts'
import type { ResolvedOptions } from './options.ts'
import type { AnswerHeaders } from './rate-limit-headers.ts'

export interface BrazeAnswer {
  readonly status: number
  readonly headers: AnswerHeaders
  /** Undefined when the body is no JSON. */
  readonly body: unknown
}

export interface BrazeRequest {
  /** Below the URL, such as `/users/track`. No slash at the end: Braze answers that with a 403. */
  readonly path: string
  readonly body: string
  readonly key: string
}

/** Far above any answer of Braze's; what sends more is something else. */
const MAX_ANSWER_BYTES = 4_194_304

/** `POST` with an API key over connections that are kept. */
export class BrazeClient {
  readonly #base: string
  readonly #timeoutMs: number
  readonly #clock: Clock
  readonly #pool: Pool
  #lastKey: string | undefined

  constructor({ url, requestTimeoutMs, connections, clock }: ResolvedOptions) {
    this.#base = url.href.replace(/\/*$/, '')
    this.#timeoutMs = requestTimeoutMs
    this.#clock = clock
    this.#pool = new Pool(url.origin, {
      connections,
      // The time limit is this class's own, on the injected clock and over the whole exchange.
      headersTimeout: 0,
      bodyTimeout: 0,
      connectTimeout: requestTimeoutMs,
      maxResponseSize: MAX_ANSWER_BYTES,
    })
  }

  urlOf(path: string): URL {
    return new URL(`${this.#base}${path}`)
  }

  /**
   * @throws BrazeError BRAZE_TIMED_OUT or BRAZE_NETWORK_FAILED, after both of which the objects may have arrived; the
   *   signal's reason when it aborts
   */
  async post({ path, body, key }: BrazeRequest, signal: AbortSignal): Promise<BrazeAnswer> {
    signal.throwIfAborted()
    const url = this.urlOf(path)
    this.#lastKey = key
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const late = new AbortController()
    const cancelTimer = this.#clock.schedule(this.#timeoutMs, () => late.abort())
    const onAbort = (): void => late.abort()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const options = { method: 'POST', path: url.pathname, headers, body, signal: late.signal } as const
      const response = await this.#pool.request(options)
      return {
        status: response.statusCode,
        headers: response.headers,
        body: parse(await response.body.text()),
      }
    } catch (cause) {
      signal.throwIfAborted()
      throw late.signal.aborted
        ? new BrazeError('BRAZE_TIMED_OUT', `${url.href} gave no answer within ${this.#timeoutMs} ms`, RETRY)
        : new BrazeError('BRAZE_NETWORK_FAILED', `${url.href} gave no complete answer`, { ...RETRY, cause })
    } finally {
      cancelTimer()
      signal.removeEventListener('abort', onAbort)
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  /** Text from outside, fit to stand in a message. */
  redact(text: string): string {
    const shown = this.#lastKey === undefined ? text : text.replaceAll(this.#lastKey, '***')
    return shown.slice(0, 300)
  }
}

const RETRY = { retry: { kind: 'backoff' } } as const

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
