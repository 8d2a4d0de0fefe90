import { backoffMs } from '../../backoff.ts'
import type { Clock } from '../../clock.ts'
import { retryAdviceOf, type RetryAdvice } from '../../errors.ts'

export interface Persistence {
  readonly clock: Clock
  readonly random: () => number
  readonly signal: AbortSignal
  readonly onRetry: (error: Error, delayMs: number) => void
}

const RETRY = { baseMs: 100, maxMs: 10_000 } as const

/** Attempts until it succeeds. Rejects with an error that retrying cannot mend, or with the signal's reason. */
export async function persist<T>(attempt: () => Promise<T>, persistence: Persistence): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt()
    } catch (error) {
      await pauseAfter(error, failures, persistence)
    }
  }
}

/** Waits as long as the advice and the number of failures so far ask for. Rejects with an error that is final. */
export async function pauseAfter(
  error: unknown,
  failures: number,
  persistence: Persistence,
  advice: RetryAdvice = retryAdviceOf(error, { kind: 'backoff' }),
): Promise<void> {
  const { clock, random, signal, onRetry } = persistence
  if (signal.aborted || advice.kind === 'never') throw error
  const delayMs = advice.kind === 'after' ? advice.ms : backoffMs(failures, RETRY, random)
  onRetry(error instanceof Error ? error : new Error(String(error)), delayMs)
  await clock.sleep(delayMs, { signal })
}
