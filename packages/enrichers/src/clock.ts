/** The only source of time in this package. The topology's clock fits it, its test clock too. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds from an arbitrary start that never go back. */
  monotonicMs(): number
  /** Resolves after `ms`, or rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, options?: { readonly signal?: AbortSignal }): Promise<void>
  /** Calls back once after `ms`. The returned function cancels; calling it later is harmless. */
  schedule(ms: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep(ms, { signal } = {}) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error)
        return
      }
      const onAbort = (): void => {
        clearTimeout(timer)
        reject(signal?.reason as Error)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, ms)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  },
  schedule(ms, callback) {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}

/**
 * Runs `work` for at most `timeoutMs` and until `signal` aborts. Its own signal tells it to stop; the returned
 * promise does not wait for it to obey, so that a source which ignores the signal cannot hold a slot for ever.
 */
export async function runWithin<Value>(
  limits: {
    readonly clock: Clock
    readonly timeoutMs: number
    readonly signal: AbortSignal
    readonly timeUp: () => Error
  },
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const inner = new AbortController()
  const stop = (): void => inner.abort(limits.signal.reason)
  if (limits.signal.aborted) stop()
  else limits.signal.addEventListener('abort', stop, { once: true })
  const cancelTimer = limits.clock.schedule(limits.timeoutMs, () => inner.abort(limits.timeUp()))
  try {
    return await untilAborted(work(inner.signal), inner.signal)
  } finally {
    cancelTimer()
    limits.signal.removeEventListener('abort', stop)
  }
}

/** The promise's outcome, or the signal's reason as soon as it aborts. A late rejection goes nowhere. */
export function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
