import type { LimitReading } from './rate-limit-headers.ts'

/** How a request ended. */
export type Ending =
  /** For its rate. `pauseMs`: as long as the answer asks to wait. */
  | { readonly kind: 'refused'; readonly pauseMs: number | undefined }
  | { readonly kind: 'answered'; readonly reading: LimitReading | undefined }
  | { readonly kind: 'unanswered' }
  /** It was never made. */
  | { readonly kind: 'unused' }

/** The right to send one request. */
export interface Grant {
  readonly startedMs: number
  /** To be called exactly once, for every grant. */
  end(ending: Ending): void
}
