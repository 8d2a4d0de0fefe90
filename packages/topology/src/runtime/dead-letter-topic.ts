import type { Admin } from '../client/ports.ts'
import { TopologyError } from '../errors.ts'
import { LETTER_HEADROOM_BYTES } from './dead-letter.ts'
import { CLEANUP_POLICY, MAX_MESSAGE_BYTES, TIMESTAMP_AFTER, TIMESTAMP_BEFORE } from './output-limits.ts'

const LARGEST_INT64 = '9223372036854775807'
const LARGEST_INT32 = 2 ** 31 - 1
/** What a broker takes by default. */
const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588

/**
 * The settings of a dead-letter topic that takes every record of these topics, however large and whatever its timestamp.
 * Nothing in it expires by itself: records keep their timestamps, and an old one would be gone at once.
 */
export async function deadLetterTopicConfig(
  admin: Admin,
  topics: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const configs = await admin.topicConfigs(topics, [MAX_MESSAGE_BYTES])
  const largest = configs.reduce(
    (max, config) => Math.max(max, Number(config?.get(MAX_MESSAGE_BYTES) ?? 0)),
    DEFAULT_MAX_MESSAGE_BYTES,
  )
  return {
    [CLEANUP_POLICY]: 'delete',
    'retention.ms': '-1',
    [MAX_MESSAGE_BYTES]: String(Math.min(LARGEST_INT32, largest + LETTER_HEADROOM_BYTES)),
    [TIMESTAMP_BEFORE]: LARGEST_INT64,
    [TIMESTAMP_AFTER]: LARGEST_INT64,
  }
}

/** @throws TOPOLOGY_CONFIG_INVALID for a compacted topic: of all dead letters with a key, it would keep one. */
export async function checkDeadLetterTopic(admin: Admin, topic: string): Promise<void> {
  const [description] = await admin.describeTopics([topic])
  if (description === undefined || !description.cleanupPolicy.split(',').includes('compact')) return
  throw new TopologyError(
    'TOPOLOGY_CONFIG_INVALID',
    `The dead-letter topic ${topic} has the cleanup policy '${description.cleanupPolicy}', which loses dead letters; only 'delete' is allowed`,
  )
}
