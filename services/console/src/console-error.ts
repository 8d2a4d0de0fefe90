/**
 * - `CONSOLE_NOT_ALLOWED` (401): no token, or a wrong one.
 * - `CONSOLE_FOREIGN_PAGE` (403): a page of another origin asked.
 * - `CONSOLE_READ_ONLY` (403): this console may not replay.
 * - `CONSOLE_REQUEST_INVALID` (400): the message says what is allowed, and nothing of what was sent.
 * - `CONSOLE_UNKNOWN` (404): there is no such path, topic or record.
 * - `CONSOLE_KAFKA_FAILED` (502): Kafka or the registry did not give what was asked for.
 * - `CONSOLE_BUSY` (409): a replay of this topic is under way.
 * - `CONSOLE_INTERNAL` (500)
 */
export type ConsoleErrorCode = keyof typeof STATUS

export const STATUS = {
  CONSOLE_NOT_ALLOWED: 401,
  CONSOLE_FOREIGN_PAGE: 403,
  CONSOLE_READ_ONLY: 403,
  CONSOLE_REQUEST_INVALID: 400,
  CONSOLE_UNKNOWN: 404,
  CONSOLE_KAFKA_FAILED: 502,
  CONSOLE_BUSY: 409,
  CONSOLE_INTERNAL: 500,
} as const

export class ConsoleError extends Error {
  override readonly name = 'ConsoleError'
  readonly code: ConsoleErrorCode

  constructor(code: ConsoleErrorCode, message: string, options?: { readonly cause: unknown }) {
    super(message, options)
    this.code = code
  }
}
