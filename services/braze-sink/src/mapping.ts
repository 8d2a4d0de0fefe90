import type { MarketingEvent } from '@tributary/marketing-events'
import {
  brazeAttributes,
  brazeEvent,
  brazeTombstone,
  type BrazeObject,
  type BrazeRecord,
} from '@tributary/sink-braze'
import { isoTime } from './iso-time.ts'

type EventOf<Type extends MarketingEvent['type']> = Extract<MarketingEvent, { type: Type }>['value']

interface Mapped {
  /** As campaigns are triggered by it. */
  readonly name: string
  readonly properties: BrazeRecord
  /** What the event changes in the customer's profile. */
  readonly attributes?: BrazeRecord
}

const MAPPINGS: { readonly [Type in MarketingEvent['type']]: (event: EventOf<Type>) => Mapped } = {
  accountCreated: ({ email, firstName, language, country, channel }) => ({
    name: 'account_created',
    properties: { channel },
    attributes: { email, first_name: firstName, language, country, signup_channel: channel },
  }),

  activityWishlisted: ({ activity, wishlist }) => ({
    name: 'activity_wishlisted',
    properties: { ...flat(activity), ...present('wishlist', wishlist) },
  }),

  activityAddedToCart: ({ activity, startsAt, participants, price }) => ({
    name: 'activity_added_to_cart',
    properties: { ...flat(activity), ...money(price), starts_at: isoTime(startsAt), participants },
  }),

  bookingCompleted: event => ({
    name: 'booking_completed',
    properties: {
      ...flat(event.activity),
      ...money(event.price),
      ...present('promo_code', event.promoCode),
      booking_id: event.bookingId,
      starts_at: isoTime(event.startsAt),
      participants: event.participants,
      other_upcoming_activities: event.otherUpcomingActivities.map(other => ({
        activity_id: other.activityId,
        title: other.title,
        city: other.city,
        country: other.country,
        starts_at: isoTime(other.startsAt),
      })),
    },
    attributes: { last_booked_city: event.activity.city, last_booking_at: isoTime(event.occurredAt) },
  }),

  activityPreparationStarted: ({ activity, bookingId, startsAt }) => ({
    name: 'activity_preparation_started',
    properties: { ...flat(activity), booking_id: bookingId, starts_at: isoTime(startsAt) },
  }),

  activityConducted: ({ activity, bookingId, participants }) => ({
    name: 'activity_conducted',
    properties: { ...flat(activity), booking_id: bookingId, participants },
  }),
}

/**
 * What Braze is told of a marketing event. Attributes come first: Braze applies those of a request before its events, so a
 * campaign that the event triggers sees them.
 */
export function toBraze(event: MarketingEvent): BrazeObject[] {
  const { customerId, eventId, occurredAt } = event.value
  const map = MAPPINGS[event.type] as (value: MarketingEvent['value']) => Mapped
  const { name, properties, attributes } = map(event.value)
  const happened = brazeEvent({
    external_id: customerId,
    name,
    time: isoTime(occurredAt),
    properties: { event_id: eventId, ...properties },
  })
  if (attributes === undefined) return [happened]
  return [brazeAttributes({ external_id: customerId, ...attributes }), happened]
}

/** Of a record as it is read: one without a value says that the customer is gone. */
export function recordToBraze(event: MarketingEvent | null, customerId: string): BrazeObject[] {
  return event === null ? [brazeTombstone({ external_id: customerId })] : toBraze(event)
}

/** Campaigns wait for events; a profile that is updated a little later, or a user who is gone, keeps nobody waiting. */
export function isUrgent({ kind }: BrazeObject): boolean {
  return kind === 'event' || kind === 'purchase'
}

type ActivityDetails = EventOf<'bookingCompleted'>['activity']
type Money = EventOf<'bookingCompleted'>['price']

/** Flat, because Braze's segments filter on top-level properties. */
function flat(activity: ActivityDetails): BrazeRecord {
  return {
    activity_id: activity.activityId,
    activity_title: activity.title,
    activity_category: activity.category,
    activity_city: activity.city,
    activity_country: activity.country,
    activity_latitude: activity.latitude,
    activity_longitude: activity.longitude,
  }
}

function money({ amount, currency }: Money): BrazeRecord {
  return { price: Number(amount), currency }
}

function present(name: string, value: string | null): BrazeRecord {
  return value === null ? {} : { [name]: value }
}
