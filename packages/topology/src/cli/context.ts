/** What a command knows of its surroundings. */
export interface CliContext {
  readonly workingDirectory: string
  print(text: string): void
  complain(text: string): void
}

/** Ends a command with one message instead of a stack. Exit code 1: it failed, 2: it was called wrongly. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: 1 | 2

  constructor(message: string, exitCode: 1 | 2, cause?: unknown) {
    super(message, { cause })
    this.exitCode = exitCode
  }
}
