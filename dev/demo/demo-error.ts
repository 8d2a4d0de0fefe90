export type DemoErrorCode =
  /** The command line was not understood. */
  | 'DEMO_USAGE'
  /** A service has ended while the demo still needed it. */
  | 'DEMO_SERVICE_ENDED'
  /** Several processes of a service did not come to share its partitions. */
  | 'DEMO_NOT_SHARED'
  /** The Kafka that KAFKA_BROKERS names has topics of the demo's names already. */
  | 'DEMO_TOPICS_EXIST'
  /** One of the services answered something else than was asked for. */
  | 'DEMO_UNEXPECTED_ANSWER'

/** The message is for the person at the terminal: what happened, and what to do about it. */
export class DemoError extends Error {
  override readonly name = 'DemoError'
  readonly code: DemoErrorCode

  constructor(code: DemoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
