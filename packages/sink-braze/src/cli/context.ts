/** What a command knows of its surroundings. */
export interface CliContext {
  print(text: string): void
  complain(text: string): void
  /** What is printed is read on a terminal that shows colours. */
  readonly hasColours: boolean
}

/** Called wrongly: ends a command with one message and exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
