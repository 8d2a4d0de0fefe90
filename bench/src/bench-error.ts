export type BenchErrorCode =
  | 'BENCH_USAGE'
  /** Something that is needed to measure at all is missing. */
  | 'BENCH_SET_UP'
  /** A contestant ended, or made no progress. */
  | 'BENCH_CONTESTANT'
  /** What a contestant wrote is not what it should have written. */
  | 'BENCH_WRONG_OUTPUT'

/** The message is for the person at the terminal. */
export class BenchError extends Error {
  override readonly name = 'BenchError'
  readonly code: BenchErrorCode

  constructor(code: BenchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
