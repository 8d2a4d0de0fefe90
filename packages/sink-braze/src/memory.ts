import { avro, defineAvro, string, tableTopic, type TableTopic } from '@tributary/topology'

/** Remembered of a field whose value is not known: it was changed by an operator, or its value is too old to be trusted. */
export const UNKNOWN_VALUE = 0

const schema = defineAvro({
  type: 'record',
  name: 'BrazeUserMemory',
  namespace: 'tributary.braze',
  doc: 'What the Braze sink has sent of a user. The key is the user as the sink names it, such as external_id:42.',
  fields: [
    {
      name: 'refreshedAt',
      type: { type: 'long', logicalType: 'timestamp-millis' },
      doc: 'Since when the hashes are gathered. Once they are older than the sink allows, every field is sent anew.',
    },
    {
      name: 'fields',
      type: { type: 'map', values: 'long' },
      doc: 'By the name of an attribute, a hash (53 bits) of the value that Braze took in last, null included; 0: it has some value that is not known here.',
    },
    {
      name: 'events',
      type: { type: 'array', items: 'long' },
      default: [],
      doc: 'Hashes (53 bits) of the ids of the events that Braze took in last, the oldest first, where the sink is told to remember them.',
    },
  ],
})

/** What a step remembers of a user (`DeliverOptions.memory`). */
export interface BrazeMemory {
  /** Milliseconds since the epoch; 0: nothing is known of the attributes. */
  readonly refreshedAt: number
  /** Hashes of the last values by attribute; 0: there is a value, and it is not known. */
  readonly fields: Readonly<Record<string, number>>
  /** Hashes of the ids of the latest events (`rememberedEvents`), the oldest first. */
  readonly events?: readonly number[]
}

/**
 * The compacted topic in which a step remembers what Braze has of each user, for `DeliverOptions.memory`. Its lane key must
 * be `brazeLaneKey`. Hashes are kept in place of values: rows are small and of one size per field, and the topic is no
 * second copy of personal data. A hash hides a value from a glance, not from somebody who tries out all countries.
 *
 * @example `stream.deliver({ destination: braze, laneKey: brazeLaneKey, memory: brazeMemoryTopic('braze-sink-memory'), maxBatchItems: 75 })`
 */
export function brazeMemoryTopic(name: string): TableTopic<string, BrazeMemory> {
  return tableTopic(name, { key: string(), value: avro(schema) })
}
