export type DrillErrorCode = 'DRILL_USAGE' | 'DRILL_STUCK' | 'DRILL_GROUND'

/** Something that keeps the drill from being held; what it finds out is no error. */
export class DrillError extends Error {
  override readonly name = 'DrillError'
  readonly code: DrillErrorCode

  constructor(code: DrillErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
