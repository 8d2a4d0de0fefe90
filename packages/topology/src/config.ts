import type { KafkaClientOptions } from './client/platformatic/options.ts'
import type { KafkaClient } from './client/ports.ts'
import type { Clock } from './clock.ts'
import { TopologyError } from './errors.ts'
import {
  checkOptions,
  INT32_MAX,
  integer,
  oneOf,
  optionalText,
  text,
  type OptionInput,
  type OptionTable,
} from './option-table.ts'
import type { SchemaRegistry } from './serde/schema-registry.ts'

type Policy = 'dead-letter' | 'skip' | 'fail'

/** The options of an application that have a default. */
export interface AppOptions {
  /** Names this process in the broker's logs and quotas. */
  readonly clientId: string
  /** Static membership: a restart within the session timeout moves no partition. */
  readonly instanceId: string | undefined
  /** `consumer` is KIP-848's protocol (brokers from 4.0); `classic` also works on older ones. */
  readonly groupProtocol: 'consumer' | 'classic'
  /** Only the classic protocol takes it from the member; with `consumer` it is the broker's setting. */
  readonly sessionTimeoutMs: number
  /**
   * `exactly-once`: outputs and offsets of a commit become visible together or not at all, for readers of committed records.
   * Deliveries to other systems stay at-least-once.
   */
  readonly guarantee: 'at-least-once' | 'exactly-once'
  /**
   * With exactly-once the broker aborts a transaction that is open for longer. After a crash readers of committed records
   * wait for that, unless the process has an `instanceId` and is back earlier. Longer than `commitIntervalMs`.
   */
  readonly transactionTimeoutMs: number
  /** Milliseconds from the end of a commit to the next. A crash repeats at most the work since the last one. */
  readonly commitIntervalMs: number
  /** Commits per partition by which the application is judged as Burrow judges groups (its `intervals`). */
  readonly commitHistory: number
  /** A commit that follows sooner replaces the one before in that history (Burrow's `min-distance`, there in seconds). */
  readonly commitHistoryDistanceMs: number
  /** How often that history takes down the end of a partition (Burrow's `offset-refresh`, there in seconds). */
  readonly commitHistoryEndsMs: number
  /**
   * How long closing may take. Work under way, in a revocation too, gets all of it but what committing and leaving need (a
   * fifth, at most 2 s).
   */
  readonly shutdownTimeoutMs: number
  /** A warning says when the event loop was blocked for so long: heartbeats are not sent meanwhile. */
  readonly stallWarningMs: number
  /** Default: `<application id>-dead-letters`. Created at start where it is missing. */
  readonly deadLetterTopic: string | undefined
  /** A key or a value cannot be decoded. */
  readonly onMalformedRecord: Policy
  /** A record has no key before an inner join with a partitioned table or a repartition. `skip`: dropped, counted as `null-key`. */
  readonly onNullKey: Policy
  /** An author's function has thrown. */
  readonly onProcessingFailure: Policy
  /** An output does not fit its schema, is larger than `maxRecordBytes`, or is meant for a topic that its step does not list. */
  readonly onProductionFailure: Policy
  /** A table's row cannot be decoded; the row that was there before stays. */
  readonly onMalformedRow: Policy
  /** Fetched bytes that wait per source partition; above it the partition is paused. */
  readonly maxBufferedBytesPerPartition: number
  /** Bytes asked for per partition and request. */
  readonly fetchBytesPerPartition: number
  /** How long the broker may hold an answer that has no data. */
  readonly fetchWaitMs: number
  /** Records in asynchronous steps, waiting for a row, or waiting behind such records, per task; at the bound the task stops reading. */
  readonly maxInFlightRecords: number
  /** Keys, values and headers of those records; at the bound the task stops reading. One record may exceed it. */
  readonly maxInFlightBytes: number
  /** A produce batch is sent when it has this many bytes, or `lingerMs` after its first record. */
  readonly batchBytes: number
  /** See `batchBytes`. */
  readonly lingerMs: number
  /** Produced bytes without an acknowledgement above which all tasks stop reading. */
  readonly maxPendingBytes: number
  /** The largest record that is produced; a larger one follows `onProductionFailure`. */
  readonly maxRecordBytes: number
  /** Keys per partition whose placement is checked against murmur2 at start. */
  readonly partitionSamples: number
  /** Brokers that answer nothing for a source partition for so long make the application unready. */
  readonly brokerSilenceMs: number
  /** A table that hears nothing from its topic for this long is stale. */
  readonly tableStaleAfterMs: number
  /** Replicas of the topics that the application creates (repartition, dead letters). */
  readonly replicationFactor: number
}

const POLICIES = ['dead-letter', 'skip', 'fail'] as const

/** `docs/reference/config.md` lists them; a test compares the two. */
export const APP_OPTIONS: OptionTable<AppOptions> = {
  clientId: text({ fallback: 'tributary' }),
  instanceId: optionalText,
  groupProtocol: oneOf(['consumer', 'classic'], 'consumer'),
  sessionTimeoutMs: integer({ fallback: 45_000, min: 1_000, max: 1_800_000 }),
  guarantee: oneOf(['at-least-once', 'exactly-once'], 'at-least-once'),
  transactionTimeoutMs: integer({ fallback: 10_000, min: 1_000, max: 900_000 }),
  commitIntervalMs: integer({ fallback: 1_000, min: 10, max: INT32_MAX }),
  commitHistory: integer({ fallback: 10, min: 2, max: 1_000 }),
  commitHistoryDistanceMs: integer({ fallback: 1_000, min: 0, max: INT32_MAX }),
  commitHistoryEndsMs: integer({ fallback: 10_000, min: 100, max: INT32_MAX }),
  shutdownTimeoutMs: integer({ fallback: 25_000, min: 100, max: INT32_MAX }),
  stallWarningMs: integer({ fallback: 1_000, min: 10, max: INT32_MAX }),
  deadLetterTopic: optionalText,
  onMalformedRecord: oneOf(POLICIES, 'dead-letter'),
  onNullKey: oneOf(POLICIES, 'dead-letter'),
  onProcessingFailure: oneOf(POLICIES, 'dead-letter'),
  onProductionFailure: oneOf(POLICIES, 'dead-letter'),
  onMalformedRow: oneOf(POLICIES, 'dead-letter'),
  maxBufferedBytesPerPartition: integer({ fallback: 4 * 1_048_576, min: 65_536, max: INT32_MAX }),
  fetchBytesPerPartition: integer({ fallback: 1_048_576, min: 1_024, max: INT32_MAX }),
  fetchWaitMs: integer({ fallback: 500, min: 0, max: 60_000 }),
  maxInFlightRecords: integer({ fallback: 2_000, min: 1, max: 1_000_000 }),
  maxInFlightBytes: integer({ fallback: 16_777_216, min: 1_024, max: INT32_MAX }),
  batchBytes: integer({ fallback: 262_144, min: 1_024, max: 1_048_576 }),
  lingerMs: integer({ fallback: 5, min: 0, max: 60_000 }),
  maxPendingBytes: integer({ fallback: 33_554_432, min: 1_048_576, max: INT32_MAX }),
  maxRecordBytes: integer({ fallback: 1_000_000, min: 1_024, max: INT32_MAX }),
  partitionSamples: integer({ fallback: 100, min: 0, max: 100_000 }),
  brokerSilenceMs: integer({ fallback: 30_000, min: 1_000, max: INT32_MAX }),
  tableStaleAfterMs: integer({ fallback: 30_000, min: 100, max: INT32_MAX }),
  replicationFactor: integer({ fallback: 1, min: 1, max: 32_767 }),
}

/** Where the application logs. pino fits. */
export interface Logger {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** `brokers`: `host:port` of some of them. `ssl` and `sasl` for brokers that ask for them. */
export type KafkaConnection = Pick<
  KafkaClientOptions,
  'brokers' | 'ssl' | 'sasl' | 'connectTimeoutMs' | 'requestTimeoutMs'
>

export interface AppConfig extends OptionInput<AppOptions> {
  /** How to reach the brokers, or a client of one's own making. */
  readonly kafka: KafkaConnection | KafkaClient
  /** Needed by Avro serdes: the URL of a Confluent-compatible registry, or a registry. */
  readonly registry?: string | SchemaRegistry | undefined
  readonly logger?: Logger | undefined
  readonly clock?: Clock | undefined
  readonly random?: (() => number) | undefined
}

/** @throws TOPOLOGY_CONFIG_INVALID naming every fault at once. */
export function checkAppOptions(applicationId: string, config: AppConfig): AppOptions {
  const {
    kafka: _kafka,
    registry: _registry,
    logger: _logger,
    clock: _clock,
    random: _random,
    ...options
  } = config
  const where = `The configuration of ${applicationId}`
  const checked = checkOptions(where, APP_OPTIONS, options)
  const { guarantee, commitIntervalMs, transactionTimeoutMs } = checked
  if (guarantee === 'exactly-once' && commitIntervalMs >= transactionTimeoutMs)
    throw new TopologyError(
      'TOPOLOGY_CONFIG_INVALID',
      `${where}: commitIntervalMs is ${commitIntervalMs} and transactionTimeoutMs ${transactionTimeoutMs}; a transaction has to outlast the interval`,
    )
  return checked
}
