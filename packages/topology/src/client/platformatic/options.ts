import type { ConnectionOptions } from '@platformatic/kafka'
import { systemClock, type Clock } from '../../clock.ts'
import { TopologyError } from '../../errors.ts'

/** Where the client tells what it retries. pino fits. */
export interface ClientLogger {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
}

export interface KafkaClientOptions {
  /** `host:port` of at least one broker; the others are found through it. */
  readonly brokers: readonly string[]
  /** Names this process in the brokers' logs and quotas. */
  readonly clientId: string
  /** TLS, as `tls.connect` takes it. `{}` suffices for a broker with a public certificate. */
  readonly ssl?: NonNullable<ConnectionOptions['tls']>
  readonly sasl?: NonNullable<ConnectionOptions['sasl']>
  readonly connectTimeoutMs?: number
  /**
   * How long one answer of a broker is waited for; for produce also what the broker may wait for its replicas. Default
   * 10,000: a connection that is dead and does not say so stops its partitions for that long (Java's clients: 30,000).
   */
  readonly requestTimeoutMs?: number
  /** How long an admin call or the start of a producer is retried before it rejects. */
  readonly operationTimeoutMs?: number
  readonly clock?: Clock | undefined
  readonly logger?: ClientLogger | undefined
}

export interface Address {
  readonly host: string
  readonly port: number
}

export interface ClientSettings {
  readonly bootstrap: readonly Address[]
  readonly clientId: string
  readonly connection: ConnectionOptions
  readonly requestTimeoutMs: number
  readonly operationTimeoutMs: number
  readonly clock: Clock
  readonly logger: ClientLogger
}

const SILENT: ClientLogger = { debug: () => undefined, info: () => undefined, warn: () => undefined }

/** Checks and completes the options. @throws TOPOLOGY_CONFIG_INVALID */
export function clientSettings(options: KafkaClientOptions): ClientSettings {
  const { requestTimeoutMs = 10_000, connectTimeoutMs = 5_000, operationTimeoutMs = 60_000 } = options
  if (options.clientId === '') throw invalid('clientId is empty')
  for (const [name, value] of Object.entries({ requestTimeoutMs, connectTimeoutMs, operationTimeoutMs })) {
    if (!Number.isInteger(value) || value < 1 || value > 2 ** 31 - 1)
      throw invalid(`${name} is ${value}; a whole number of milliseconds from 1 to 2147483647 is allowed`)
  }
  return {
    bootstrap: parseBrokers(options.brokers),
    clientId: options.clientId,
    connection: {
      connectTimeout: connectTimeoutMs,
      requestTimeout: requestTimeoutMs,
      ...(options.ssl && { tls: options.ssl }),
      ...(options.sasl && { sasl: options.sasl }),
    },
    requestTimeoutMs,
    operationTimeoutMs,
    clock: options.clock ?? systemClock,
    logger: options.logger ?? SILENT,
  }
}

function parseBrokers(brokers: readonly string[]): Address[] {
  if (brokers.length === 0) throw invalid('brokers is empty; at least one host:port is needed')
  return brokers.map(broker => {
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(broker.trim())
    const host = match?.[1] ?? match?.[2]
    const port = Number(match?.[3])
    if (host === undefined || !(port >= 1 && port <= 65_535))
      throw invalid(
        `the broker ${JSON.stringify(broker)} is not host:port, for example localhost:9092 or [::1]:9092`,
      )
    return { host, port }
  })
}

function invalid(what: string): TopologyError {
  return new TopologyError('TOPOLOGY_CONFIG_INVALID', `Kafka client: ${what}`)
}
