import type { Clock, Logger } from '@tributary/topology'
import { BrazeError, type BrazeErrorCode } from './errors.ts'

/** After these nothing works until somebody mends it, and then everything does: no object is at fault. */
const SHUT_OUT: ReadonlySet<BrazeErrorCode> = new Set<BrazeErrorCode>([
  'BRAZE_KEY_UNUSABLE',
  'BRAZE_UNAUTHORIZED',
  'BRAZE_FORBIDDEN',
  'BRAZE_NOT_FOUND',
  'BRAZE_UNSUPPORTED_MEDIA_TYPE',
  'BRAZE_UNEXPECTED_STATUS',
])

/** Requests without a useful answer, one after the other, that close the gate. */
const CLOSES_AFTER = 5
/** Between tries while Braze does not answer; with full jitter. */
const OUTAGE = { baseMs: 500, maxMs: 60_000 }
/** How often the key is compared while the gate is closed, and a try that nobody made is offered to the next. */
const LOOK_MS = 1_000

export interface GateOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Pick<Logger, 'warn' | 'error'>
  /** @throws BrazeError BRAZE_KEY_UNUSABLE */
  readonly apiKey: () => string
  /** Between tries while shut out, doubling from the one to the other. */
  readonly probeBaseMs: number
  readonly probeMaxMs: number
}

/** One request's way through the gate. `end` is to be called exactly once. */
export interface Pass {
  readonly key: string
  /**
   * @param ending `reached`: Braze answered, whatever it said of the objects. `unknown`: the request was given up.
   * @returns the error to fail with, which says when to come again
   */
  end(ending: 'reached' | 'unknown'): void
  end(ending: BrazeError): BrazeError
}

interface Closed {
  /** Of the latest try. */
  readonly cause: BrazeError
  /** The key that was in use. */
  readonly key: string | undefined
  readonly tries: number
  readonly nextTryMs: number
}

interface Waiting {
  resolve(): void
}

/**
 * Whether Braze lets this process in at all. It closes when Braze denies access, and when it has not answered for a while;
 * then one request at a time tries, with growing intervals, and at once when the key has changed. Any answer that access is
 * needed for opens it again. Nobody has to start the process anew, and no object is given up.
 */
export class Gate {
  readonly #options: GateOptions
  readonly #waiting = new Set<Waiting>()
  #closed: Closed | undefined
  #trying: Pass | undefined
  #failures = 0
  #cancelTimer: (() => void) | undefined

  constructor(options: GateOptions) {
    this.#options = options
  }

  /** In words for an operator. */
  get problem(): string | undefined {
    if (this.#closed === undefined) return undefined
    const { cause } = this.#closed
    return SHUT_OUT.has(cause.code)
      ? `shut out, one request at a time tries: ${cause.message}`
      : `no answer to ${this.#failures} requests in a row, one at a time tries: ${cause.message}`
  }

  /** @throws BrazeError why the gate is closed, with the time to come again */
  check(): void {
    if (this.#closed !== undefined && !this.#mayTry(this.#closed)) throw this.#refusal(this.#closed)
  }

  /** @throws BrazeError as `check` does, and when there is no key */
  enter(): Pass {
    this.check()
    let key: string
    try {
      key = this.#options.apiKey()
    } catch (error) {
      throw BrazeError.is(error) ? this.#close(error, undefined) : error
    }
    const pass: Pass = {
      key,
      end: ((ending: 'reached' | 'unknown' | BrazeError) => this.#end(pass, ending)) as Pass['end'],
    }
    if (this.#closed !== undefined) this.#trying = pass
    return pass
  }

  /** Resolves when the gate is open, or for one at a time when it is time to try. Rejects with the signal's reason. */
  whenOpen(signal: AbortSignal): Promise<void> {
    if (this.#closed === undefined) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(waiting)
        signal.removeEventListener('abort', onAbort)
        if (this.#waiting.size === 0) this.#cancelTimer?.()
      }
      const onAbort = (): void => {
        leave()
        reject(signal.reason as Error)
      }
      const waiting: Waiting = {
        resolve: () => {
          leave()
          resolve()
        },
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(waiting)
      this.#offerTry()
    })
  }

  #end(pass: Pass, ending: 'reached' | 'unknown' | BrazeError): BrazeError | undefined {
    const isTry = pass === this.#trying
    if (isTry) this.#trying = undefined
    if (ending === 'unknown') {
      this.#offerTry()
      return undefined
    }
    if (ending !== 'reached') return this.#failed(ending, pass.key, isTry)
    // Of requests that were sent before access was denied, an answer says nothing about now.
    if (isTry || this.#closed === undefined || !SHUT_OUT.has(this.#closed.cause.code)) this.#open()
    return undefined
  }

  #failed(error: BrazeError, key: string, isTry: boolean): BrazeError {
    this.#failures += 1
    if (SHUT_OUT.has(error.code)) {
      if (this.#closed === undefined || isTry) return this.#close(error, key)
      return this.#refusal(this.#closed)
    }
    if (isTry || (this.#closed === undefined && this.#failures >= CLOSES_AFTER)) this.#close(error, key)
    return isTry ? asProbe(error) : error
  }

  #close(cause: BrazeError, key: string | undefined): BrazeError {
    const { clock, random, logger, probeBaseMs, probeMaxMs } = this.#options
    const isShutOut = SHUT_OUT.has(cause.code)
    const before = this.#closed
    const tries = before !== undefined && SHUT_OUT.has(before.cause.code) === isShutOut ? before.tries + 1 : 0
    const doubled = 2 ** Math.min(tries, 30)
    const waitMs = isShutOut
      ? Math.min(probeMaxMs, probeBaseMs * doubled)
      : Math.min(OUTAGE.maxMs, OUTAGE.baseMs * doubled) * random()
    this.#closed = { cause, key, tries, nextTryMs: clock.monotonicMs() + waitMs }
    if (before?.cause.code !== cause.code) {
      if (isShutOut)
        logger.error(
          { code: cause.code, status: cause.status },
          `Braze shuts us out; nothing is lost, and requests go on once it is mended: ${cause.message}`,
        )
      else
        logger.warn(
          { code: cause.code, failures: this.#failures },
          `Braze does not answer; one request at a time tries: ${cause.message}`,
        )
    }
    this.#offerTry()
    return this.#refusal(this.#closed)
  }

  #open(): void {
    this.#failures = 0
    if (this.#closed === undefined) return
    this.#options.logger.warn({ code: this.#closed.cause.code }, 'Braze lets us in again')
    this.#closed = undefined
    this.#offerTry()
  }

  #mayTry(closed: Closed): boolean {
    return this.#trying === undefined && this.#untilTryMs(closed) <= 0
  }

  #untilTryMs({ nextTryMs, key }: Closed): number {
    return this.#hasKeyChanged(key) ? 0 : nextTryMs - this.#options.clock.monotonicMs()
  }

  #hasKeyChanged(key: string | undefined): boolean {
    try {
      return this.#options.apiKey() !== key
    } catch {
      return false
    }
  }

  /** It is `whenOpen` that holds back for long, because it sees when the key changes. */
  #refusal({ cause }: Closed): BrazeError {
    const { code, message, status } = cause
    return new BrazeError(code, message, {
      retry: { kind: 'after', ms: LOOK_MS, isAttempt: false },
      cause,
      ...(status === undefined ? {} : { status }),
    })
  }

  /** Lets all in, or one when it is time; and looks again, for whoever was let in may not come. */
  #offerTry(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    if (this.#closed === undefined) {
      for (const waiting of this.#waiting) waiting.resolve()
      return
    }
    let waitMs = this.#untilTryMs(this.#closed)
    if (this.#trying === undefined && waitMs <= 0) {
      for (const waiting of this.#waiting) {
        waiting.resolve()
        break
      }
    }
    if (this.#waiting.size === 0) return
    waitMs = waitMs <= 0 ? LOOK_MS : Math.min(LOOK_MS, Math.ceil(waitMs))
    this.#cancelTimer = this.#options.clock.schedule(waitMs, () => this.#offerTry())
  }
}

/** What was sent to see whether Braze answers again says nothing about what was in it: no attempt of its objects. */
function asProbe(error: BrazeError): BrazeError {
  const { code, message, status, retry } = error
  if (retry.kind === 'never') return error
  return new BrazeError(code, message, {
    retry: { ...retry, isAttempt: false },
    cause: error.cause,
    ...(status === undefined ? {} : { status }),
  })
}
