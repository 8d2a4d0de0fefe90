import type {
  Activity,
  Customer,
  DomainEvent,
  DomainEventType,
  UpcomingActivity,
} from '@tributary/marketing-events'
import type { ForeignRow } from '../../../test-support/foreign-reader/foreign-reader.ts'

/*
 * One event of each type for every customer, with values at the edges of what their schemas take, and what an analyst
 * should see of them.
 */

const NAMES = ['Ada', 'Zoë', 'Ωmega', '李', '🎈', '', 'quote " backslash \\ newline \n nul \u0000']
const INSTANTS = [0, -1, Date.UTC(2026, 5, 1, 12, 30, 15, 7), Date.UTC(9999, 11, 31, 23, 59, 59, 999)]
const AMOUNTS = ['45.50', '0.00', '0.05', '-0.01', '-12.30', '9999999999.99', '-9999999999.99']
const PARTICIPANTS = [1, 0, -1, 2 ** 31 - 1, -(2 ** 31)]
const PLACES = [0, -33.8688, 151.2093, 5e-324, -1.7976931348623157e308]
const OPTIONAL = [null, 'SUMMER', '']
const CHANNELS = ['WEB', 'IOS', 'ANDROID'] as const
/** 64 and more need two bytes for the count of an Avro array. */
const UPCOMING_COUNTS = [0, 1, 2, 70]

function pick<T>(values: readonly T[], index: number): T {
  return values[index % values.length]!
}

/** Every length modulo four, which is how murmur2 takes a key's bytes, and bytes above 127, which are negative in Java. */
const CUSTOMER_IDS = [
  'c',
  'c1',
  'c12',
  'c123',
  'c1234',
  'kundin-ä',
  'покупатель',
  '顧客',
  '🎈',
  'ÿ',
  ' ',
].concat(Array.from({ length: 49 }, (_, index) => `customer-${index * 7919}`))

const customers: readonly Customer[] = CUSTOMER_IDS.map((customerId, index) => ({
  customerId,
  email: `${index}@example.com`,
  firstName: pick(NAMES, index),
  language: 'en',
  country: 'GB',
  marketingOptIn: index % 10 !== 9,
}))

/** Those whom marketing may address. */
export const audience: readonly Customer[] = customers.filter(({ marketingOptIn }) => marketingOptIn)

const activities: readonly Activity[] = Array.from({ length: 8 }, (_, index) => ({
  activityId: `a-${index}`,
  title: `Tour of ${pick(NAMES, index)}`,
  city: pick(NAMES, index + 1),
  country: 'FR',
  latitude: pick(PLACES, index),
  longitude: pick(PLACES, index + 1),
  category: 'museum',
}))

/** Its row is deleted before the day begins. */
const deletedCustomer: Customer = { ...customers[0]!, customerId: 'deleted' }

export const events: readonly DomainEvent[] = [...customers, deletedCustomer].flatMap(
  ({ customerId }, index) => eventsOf(customerId, index),
)

function eventsOf(customerId: string, index: number): DomainEvent[] {
  const base = (type: DomainEventType) => ({
    eventId: `${type} of ${customerId}`,
    customerId,
    occurredAt: pick(INSTANTS, index),
  })
  const activity = { activityId: pick(activities, index).activityId }
  const booked = { ...activity, bookingId: `b-${index}` }
  const startsAt = pick(INSTANTS, index + 1)
  const participants = pick(PARTICIPANTS, index)
  const price = { amount: pick(AMOUNTS, index), currency: 'EUR' }
  return [
    { type: 'accountCreated', value: { ...base('accountCreated'), channel: pick(CHANNELS, index) } },
    {
      type: 'activityWishlisted',
      value: { ...base('activityWishlisted'), ...activity, wishlist: pick(OPTIONAL, index) },
    },
    {
      type: 'activityAddedToCart',
      value: { ...base('activityAddedToCart'), ...activity, startsAt, participants, price },
    },
    {
      type: 'bookingCompleted',
      value: {
        ...base('bookingCompleted'),
        ...booked,
        startsAt,
        participants,
        price,
        promoCode: pick(OPTIONAL, index + 1),
      },
    },
    {
      type: 'activityPreparationStarted',
      value: { ...base('activityPreparationStarted'), ...booked, startsAt },
    },
    { type: 'activityConducted', value: { ...base('activityConducted'), ...booked, participants } },
  ]
}

export function upcomingActivities(customerId: string): readonly UpcomingActivity[] {
  const index = CUSTOMER_IDS.indexOf(customerId)
  return Array.from({ length: pick(UPCOMING_COUNTS, index) }, (_, other) => ({
    bookingId: `other-${other}`,
    activityId: `a-${other}`,
    title: pick(NAMES, other),
    city: 'Paris',
    country: 'FR',
    startsAt: pick(INSTANTS, index + other),
  }))
}

/** A record as it looks from outside: timestamps as ISO 8601, decimals as text. */
export interface SeenEvent {
  readonly schema: string
  readonly value: object
}

const iso = (ms: number): string => new Date(ms).toISOString()

/** What the domain services' topic holds. */
export function domainView({ type, value }: DomainEvent): SeenEvent {
  return {
    schema: `com.marketplace.customer.${type[0]!.toUpperCase()}${type.slice(1)}`,
    value: {
      ...value,
      occurredAt: iso(value.occurredAt),
      ...('startsAt' in value && { startsAt: iso(value.startsAt) }),
    },
  }
}

/** What marketing should hear of an event; undefined where it must hear nothing. */
export function marketingView({ type, value }: DomainEvent): SeenEvent | undefined {
  const customer = audience.find(({ customerId }) => customerId === value.customerId)
  if (customer === undefined) return undefined
  const schema = `com.marketplace.marketing.${type[0]!.toUpperCase()}${type.slice(1)}`
  const { eventId, customerId } = value
  const common = { eventId, customerId, occurredAt: iso(value.occurredAt) }
  if (type === 'accountCreated') {
    const { email, firstName, language, country } = customer
    const profile = { email, firstName, language, country }
    return { schema, value: { ...common, ...profile, channel: value.channel.toLowerCase() } }
  }
  const activity = activities.find(({ activityId }) => activityId === value.activityId)
  const found = { ...common, activity }
  switch (type) {
    case 'activityWishlisted':
      return { schema, value: { ...found, wishlist: value.wishlist } }
    case 'activityAddedToCart': {
      const { participants, price } = value
      return { schema, value: { ...found, startsAt: iso(value.startsAt), participants, price } }
    }
    case 'bookingCompleted': {
      const { bookingId, participants, price, promoCode } = value
      const otherUpcomingActivities = upcomingActivities(customerId).map(
        ({ activityId, title, city, country, startsAt }) => ({
          activityId,
          title,
          city,
          country,
          startsAt: iso(startsAt),
        }),
      )
      const booking = { bookingId, startsAt: iso(value.startsAt), participants, price, promoCode }
      return { schema, value: { ...found, ...booking, otherUpcomingActivities } }
    }
    case 'activityPreparationStarted':
      return {
        schema,
        value: { ...found, bookingId: value.bookingId, startsAt: iso(value.startsAt) },
      }
    case 'activityConducted':
      return {
        schema,
        value: { ...found, bookingId: value.bookingId, participants: value.participants },
      }
  }
}

/** Another writer's idea of a customer: the fields in another order, and two that nobody here knows. */
const CUSTOMER_SCHEMA = {
  type: 'record',
  namespace: 'com.marketplace.customer',
  name: 'Customer',
  fields: [
    { name: 'marketingOptIn', type: 'boolean' },
    {
      name: 'loyalty',
      type: { type: 'enum', name: 'Loyalty', symbols: ['NONE', 'SILVER', 'GOLD'] },
    },
    { name: 'country', type: 'string' },
    { name: 'language', type: 'string' },
    { name: 'firstName', type: 'string' },
    { name: 'referredBy', type: ['null', 'string'], default: null },
    { name: 'email', type: 'string' },
    { name: 'customerId', type: 'string' },
  ],
}

const ACTIVITY_SCHEMA = {
  type: 'record',
  namespace: 'com.marketplace.catalog',
  name: 'Activity',
  fields: [
    { name: 'activityId', type: 'string' },
    { name: 'title', type: 'string' },
    { name: 'city', type: 'string' },
    { name: 'country', type: 'string' },
    { name: 'latitude', type: 'double' },
    { name: 'longitude', type: 'double' },
    { name: 'category', type: 'string' },
  ],
}

/** The lookups as their owners, in Java, write them: each customer first with an outdated row. */
export function lookupRows(topics: {
  readonly customers: string
  readonly activities: string
}): readonly ForeignRow[] {
  const customerRow = (customer: Customer): ForeignRow => ({
    topic: topics.customers,
    key: customer.customerId,
    schema: CUSTOMER_SCHEMA,
    value: { ...customer, loyalty: 'GOLD', referredBy: { string: 'c-0' } },
  })
  return [
    ...[...customers, deletedCustomer].map(customer =>
      customerRow({ ...customer, email: 'old@example.com', marketingOptIn: true }),
    ),
    ...customers.map(customerRow),
    { topic: topics.customers, key: deletedCustomer.customerId, schema: CUSTOMER_SCHEMA, value: null },
    ...activities.map(activity => ({
      topic: topics.activities,
      key: activity.activityId,
      schema: ACTIVITY_SCHEMA,
      value: activity,
    })),
  ]
}
