export type StackErrorCode =
  /** No Java, or one older than the stack's servers run on. */
  | 'STACK_JAVA'
  | 'STACK_MAVEN'
  /** Maven could not resolve or unpack what a pom names. */
  | 'STACK_DOWNLOAD'
  /** A program of Debian's is not installed and cannot be fetched. */
  | 'STACK_PACKAGES'
  | 'STACK_DOCKER'
  /** No Postgres binary for this platform. */
  | 'STACK_POSTGRES'
  /** A process could not be started, or ended before it was ready. */
  | 'STACK_PROCESS_ENDED'
  | 'STACK_NOT_READY'
  /** A server that an environment variable names does not answer. */
  | 'STACK_UNREACHABLE'
  /** Stopped while still starting. */
  | 'STACK_STOPPED'

/** The message is one sentence for the person at the terminal: what happened, and what to do about it. */
export class StackError extends Error {
  override readonly name = 'StackError'
  readonly code: StackErrorCode

  constructor(code: StackErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
