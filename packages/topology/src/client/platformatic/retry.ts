import { backoffMs } from '../../backoff.ts'
import type { TopologyError } from '../../errors.ts'
import { translateError } from './errors.ts'
import type { ClientLogger, ClientSettings } from './options.ts'

export const RETRY_POLICY: { readonly baseMs: number; readonly maxMs: number } = { baseMs: 100, maxMs: 5_000 }

/** The wait before the next attempt after so many failures. */
export function retryDelayMs(failures: number): number {
  return failures === 0 ? 0 : backoffMs(failures, RETRY_POLICY, Math.random)
}

export interface RetryFacts {
  readonly failures: number
  readonly error: TopologyError
  readonly [fact: string]: unknown
}

/**
 * Tells the log. The first failure in a row is everyday's business (a leader or coordinator that gets ready, an idle
 * connection that was closed), so it is told in detail only to whoever wants to know.
 */
export function reportRetry(logger: ClientLogger, facts: RetryFacts, message: string): void {
  if (facts.failures > 1) logger.warn(facts, message)
  else logger.debug(facts, message)
}

export interface RetryOptions {
  /** Names the operation in errors and in the log. */
  readonly what: string
  /** Default: retries without end. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/**
 * Runs the attempt until it succeeds, fails for good or the time is over. Rejects with the last failure, or with the
 * signal's reason once it aborts.
 */
export async function retrying<T>(
  settings: Pick<ClientSettings, 'clock' | 'logger'>,
  options: RetryOptions,
  attempt: () => Promise<T>,
): Promise<T> {
  const { clock, logger } = settings
  const { what, timeoutMs = Infinity, signal } = options
  const deadline = clock.monotonicMs() + timeoutMs
  for (let failures = 1; ; failures += 1) {
    signal?.throwIfAborted()
    let failure: TopologyError
    try {
      return await attempt()
    } catch (error) {
      failure = translateError(error, what)
    }
    if (failure.retry.kind === 'never') throw failure
    const delayMs = failure.retry.kind === 'after' ? failure.retry.ms : retryDelayMs(failures)
    if (clock.monotonicMs() + delayMs >= deadline) throw failure
    reportRetry(logger, { error: failure, failures, delayMs }, `${what} failed and is tried again`)
    await clock.sleep(delayMs, signal === undefined ? {} : { signal })
  }
}
