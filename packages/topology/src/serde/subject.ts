import { TopologyError } from '../errors.ts'
import type { SerdeContext } from './serde.ts'

/**
 * Under which subject a schema stands: `topic` is Confluent's TopicNameStrategy (`bookings-value`), `record` its
 * RecordNameStrategy (`com.example.Booking`), `topic-record` its TopicRecordNameStrategy (`bookings-com.example.Booking`).
 */
export type SubjectStrategy = 'topic' | 'record' | 'topic-record'

export function subjectOf(
  strategy: SubjectStrategy,
  context: SerdeContext,
  name: string | undefined,
): string {
  if (strategy === 'topic') return `${context.topic}-${context.part}`
  if (name === undefined)
    throw new TopologyError(
      'TOPOLOGY_CONFIG_INVALID',
      `The ${context.part} of ${context.topic} asks for a subject by record name, but its schema has no name`,
    )
  return strategy === 'record' ? name : `${context.topic}-${name}`
}
