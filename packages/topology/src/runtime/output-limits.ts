import type { Admin } from '../client/ports.ts'
import { TopologyError } from '../errors.ts'
import type { RecordHeaders } from '../record.ts'
import { BATCH_HEADER_BYTES } from '../wire/batch-header.ts'
import { sizeOfVarint } from '../wire/varint.ts'

/**
 * What a topic's brokers refuse for good. Known beforehand, because a refusal comes when the record that caused the output
 * is long gone: it could only end the application, and again after each restart.
 */
export interface OutputLimits {
  /** `max.message.bytes`: of a batch, its header included. */
  readonly maxBatchBytes: number
  /** `message.timestamp.before.max.ms` and `…after.max.ms`, measured from now. */
  readonly maxBehindMs: number
  readonly maxAheadMs: number
  /** A compacted topic takes no record without a key. */
  readonly needsKey: boolean
}

export const NO_LIMITS: OutputLimits = {
  maxBatchBytes: Number.POSITIVE_INFINITY,
  maxBehindMs: Number.POSITIVE_INFINITY,
  maxAheadMs: Number.POSITIVE_INFINITY,
  needsKey: false,
}

export const MAX_MESSAGE_BYTES = 'max.message.bytes'
export const CLEANUP_POLICY = 'cleanup.policy'
export const TIMESTAMP_BEFORE = 'message.timestamp.before.max.ms'
export const TIMESTAMP_AFTER = 'message.timestamp.after.max.ms'
const TIMESTAMP_TYPE = 'message.timestamp.type'
const CONFIGS = [MAX_MESSAGE_BYTES, CLEANUP_POLICY, TIMESTAMP_TYPE, TIMESTAMP_BEFORE, TIMESTAMP_AFTER]

/** As the topics are configured now. A change that forbids more stops the application, and a restart knows of it. */
export async function readOutputLimits(
  admin: Admin,
  topics: readonly string[],
): Promise<ReadonlyMap<string, OutputLimits>> {
  const configs = await admin.topicConfigs(topics, CONFIGS)
  return new Map(topics.map((topic, i) => [topic, limitsOf(configs[i] ?? new Map())]))
}

function limitsOf(config: ReadonlyMap<string, string>): OutputLimits {
  // The broker's clock writes the timestamps then, whatever the producer says.
  const isChecked = config.get(TIMESTAMP_TYPE) !== 'LogAppendTime'
  const limit = (name: string, isUsed = true): number => {
    const value = Number(config.get(name) ?? Number.POSITIVE_INFINITY)
    // Kafka's own word for none is the largest int64.
    return !isUsed || value > Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : value
  }
  return {
    maxBatchBytes: limit(MAX_MESSAGE_BYTES),
    maxBehindMs: limit(TIMESTAMP_BEFORE, isChecked),
    maxAheadMs: limit(TIMESTAMP_AFTER, isChecked),
    needsKey: config.get(CLEANUP_POLICY)?.split(',').includes('compact') ?? false,
  }
}

/** Bytes of a batch that holds nothing but this record. */
export function batchBytesOf(
  key: Uint8Array | null,
  value: Uint8Array | null,
  headers: RecordHeaders,
): number {
  // Attributes, timestamp delta and offset delta take one byte each.
  let record = 3 + fieldBytes(key) + fieldBytes(value) + sizeOfVarint(headers.length)
  for (const [name, headerValue] of headers) {
    const nameBytes = Buffer.byteLength(name)
    record += sizeOfVarint(nameBytes) + nameBytes + fieldBytes(headerValue)
  }
  return BATCH_HEADER_BYTES + sizeOfVarint(record) + record
}

function fieldBytes(field: Uint8Array | null): number {
  return field === null ? 1 : sizeOfVarint(field.length) + field.length
}

export function isTimely(limits: OutputLimits, timestampMs: number, nowMs: number): boolean {
  return timestampMs - nowMs <= limits.maxAheadMs && nowMs - timestampMs <= limits.maxBehindMs
}

export function tooLarge(topic: string, bytes: number, limit: number, name: string): TopologyError {
  return new TopologyError(
    'TOPOLOGY_RECORD_TOO_LARGE',
    `A record of ${bytes} bytes for ${topic} is over the ${limit} bytes that are allowed (${name})`,
  )
}

export function keyMissing(topic: string): TopologyError {
  return new TopologyError(
    'TOPOLOGY_SERIALIZATION_FAILED',
    `A record for ${topic} has no key, which a compacted topic does not take`,
  )
}

export function untimely(topic: string, timestampMs: number): TopologyError {
  return new TopologyError(
    'TOPOLOGY_TIMESTAMP_INVALID',
    `A record for ${topic} has the timestamp ${timestampMs} ms (${describeTime(timestampMs)}), which the topic's ${TIMESTAMP_BEFORE} and ${TIMESTAMP_AFTER} do not allow`,
  )
}

/** A timestamp need not be one that `Date` can hold. */
export function describeTime(timestampMs: number): string {
  const date = new Date(timestampMs)
  return Number.isNaN(date.getTime()) ? 'out of range' : date.toISOString()
}
