export type ChaosErrorCode =
  /** The command line was not understood. */
  | 'CHAOS_USAGE'
  /** Something that the run itself needs did not come about, so that it can judge nothing. */
  | 'CHAOS_HARNESS'

/** The message is for the person at the terminal. */
export class ChaosError extends Error {
  override readonly name = 'ChaosError'
  readonly code: ChaosErrorCode

  constructor(code: ChaosErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
