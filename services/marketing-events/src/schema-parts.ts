import { defineAvro, type InferAvro } from '@tributary/topology'
import type { Activity } from './domain/lookups.ts'

/* What several marketing events have in common. */

export const timestamp = defineAvro({ type: 'long', logicalType: 'timestamp-millis' })

/** Every marketing event begins with these. */
export const eventFields = [
  { name: 'eventId', type: 'string' },
  { name: 'customerId', type: 'string' },
  { name: 'occurredAt', type: timestamp },
] as const

export const money = defineAvro({
  type: 'record',
  name: 'Money',
  fields: [
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 } },
    { name: 'currency', type: 'string', doc: 'ISO 4217' },
  ],
})

export const activityDetails = defineAvro({
  type: 'record',
  name: 'ActivityDetails',
  fields: [
    { name: 'activityId', type: 'string' },
    { name: 'title', type: 'string' },
    { name: 'category', type: 'string' },
    { name: 'city', type: 'string' },
    { name: 'country', type: 'string' },
    { name: 'latitude', type: 'double' },
    { name: 'longitude', type: 'double' },
  ],
})

export type ActivityDetails = InferAvro<typeof activityDetails>

export function describeActivity(activity: Activity): ActivityDetails {
  const { activityId, title, category, city, country, latitude, longitude } = activity
  return { activityId, title, category, city, country, latitude, longitude }
}
