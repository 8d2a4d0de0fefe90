import {
  avroOneOf,
  defineAvro,
  streamTopic,
  string,
  type SerdeValue,
  type StreamTopic,
} from '@tributary/topology'

/*
 * What the marketplace's domain services publish about a customer. They own these schemas; here they are written down as
 * this service reads them. All six types share one topic, keyed by customer: only within a partition does Kafka keep
 * order, and marketing cares that an account exists before its first booking.
 */

const money = defineAvro({
  type: 'record',
  name: 'Money',
  fields: [
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 } },
    { name: 'currency', type: 'string', doc: 'ISO 4217' },
  ],
})

const time = defineAvro({ type: 'long', logicalType: 'timestamp-millis' })

const common = [
  { name: 'eventId', type: 'string' },
  { name: 'customerId', type: 'string' },
  { name: 'occurredAt', type: time },
] as const

const accountCreated = defineAvro({
  type: 'record',
  namespace: 'com.marketplace.customer',
  name: 'AccountCreated',
  fields: [
    ...common,
    {
      name: 'channel',
      type: {
        type: 'enum',
        name: 'Channel',
        symbols: ['WEB', 'IOS', 'ANDROID', 'UNKNOWN'],
        default: 'UNKNOWN',
      },
    },
  ],
})

const activityWishlisted = defineAvro({
  type: 'record',
  namespace: 'com.marketplace.customer',
  name: 'ActivityWishlisted',
  fields: [
    ...common,
    { name: 'activityId', type: 'string' },
    {
      name: 'wishlist',
      type: ['null', 'string'],
      default: null,
      doc: 'Its name, if the customer gave it one',
    },
  ],
})

const activityAddedToCart = defineAvro({
  type: 'record',
  namespace: 'com.marketplace.customer',
  name: 'ActivityAddedToCart',
  fields: [
    ...common,
    { name: 'activityId', type: 'string' },
    { name: 'startsAt', type: time },
    { name: 'participants', type: 'int' },
    { name: 'price', type: money },
  ],
})

const bookingCompleted = defineAvro({
  type: 'record',
  namespace: 'com.marketplace.customer',
  name: 'BookingCompleted',
  fields: [
    ...common,
    { name: 'bookingId', type: 'string' },
    { name: 'activityId', type: 'string' },
    { name: 'startsAt', type: time },
    { name: 'participants', type: 'int' },
    { name: 'price', type: money },
    { name: 'promoCode', type: ['null', 'string'], default: null },
  ],
})

const activityPreparationStarted = defineAvro({
  type: 'record',
  namespace: 'com.marketplace.customer',
  name: 'ActivityPreparationStarted',
  fields: [
    ...common,
    { name: 'bookingId', type: 'string' },
    { name: 'activityId', type: 'string' },
    { name: 'startsAt', type: time },
  ],
})

const activityConducted = defineAvro({
  type: 'record',
  namespace: 'com.marketplace.customer',
  name: 'ActivityConducted',
  fields: [
    ...common,
    { name: 'bookingId', type: 'string' },
    { name: 'activityId', type: 'string' },
    { name: 'participants', type: 'int' },
  ],
})

const domainEvent = avroOneOf({
  accountCreated,
  activityWishlisted,
  activityAddedToCart,
  bookingCompleted,
  activityPreparationStarted,
  activityConducted,
})

export type DomainEvent = SerdeValue<typeof domainEvent>
export type DomainEventType = DomainEvent['type']
/** One of the six events as its service published it. */
export type DomainEventOf<Type extends DomainEventType> = Extract<DomainEvent, { type: Type }>['value']

export const customerEvents: StreamTopic<string, DomainEvent> = streamTopic('customer-events', {
  key: string(),
  value: domainEvent,
})
