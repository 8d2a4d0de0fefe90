import type { Activity, DomainEvent } from '@tributary/marketing-events'
import type { DemoData, StoredBooking } from '../data/demo-data.ts'

/*
 * What has to arrive at Braze, recomputed from the inputs with plain loops. Nothing of the topologies or of the sink is
 * used, on purpose: a mistake there must not be repeated here.
 */

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }
export type JsonObject = Readonly<Record<string, Json>>

export interface BrazeEvent {
  readonly external_id: string
  readonly name: string
  /** ISO 8601, UTC, with milliseconds. */
  readonly time: string
  readonly properties: JsonObject
}

export interface Expectation {
  /** In the order of the inputs; those of one user have to arrive in it. */
  readonly events: readonly BrazeEvent[]
  /** Of each user with an event, after the last one. */
  readonly attributes: ReadonlyMap<string, JsonObject>
  /** The domain event that an event comes from, by `event_id`. */
  readonly sources: ReadonlyMap<string, DomainEvent>
}

export function expectedAtBraze(data: DemoData): Expectation {
  const customers = new Map(data.customers.map(customer => [customer.customerId, customer]))
  const activities = new Map(data.activities.map(activity => [activity.activityId, activity]))
  const bookings = Map.groupBy(data.bookings, ({ customerId }) => customerId)

  const events: BrazeEvent[] = []
  const attributes = new Map<string, JsonObject>()
  const sources = new Map<string, DomainEvent>()
  for (const event of data.events) {
    const { customerId, eventId, occurredAt } = event.value
    const customer = customers.get(customerId)
    if (customer === undefined || !customer.marketingOptIn) continue
    const activity = 'activityId' in event.value ? activities.get(event.value.activityId) : undefined
    if (activity === undefined && event.type !== 'accountCreated') continue
    const properties = {
      event_id: eventId,
      ...(activity === undefined ? {} : activityProperties(activity)),
      ...ownProperties(event, bookings.get(customerId) ?? []),
    }
    events.push({ external_id: customerId, name: NAMES[event.type], time: iso(occurredAt), properties })
    sources.set(eventId, event)

    let changed: JsonObject = {}
    if (event.type === 'accountCreated') {
      const { email, firstName, language, country } = customer
      const signup_channel = event.value.channel.toLowerCase()
      changed = { email, first_name: firstName, language, country, signup_channel }
    } else if (event.type === 'bookingCompleted') {
      changed = { last_booked_city: activity!.city, last_booking_at: iso(occurredAt) }
    }
    attributes.set(customerId, { ...attributes.get(customerId), ...changed })
  }
  return { events, attributes, sources }
}

const NAMES: Readonly<Record<DomainEvent['type'], string>> = {
  accountCreated: 'account_created',
  activityWishlisted: 'activity_wishlisted',
  activityAddedToCart: 'activity_added_to_cart',
  bookingCompleted: 'booking_completed',
  activityPreparationStarted: 'activity_preparation_started',
  activityConducted: 'activity_conducted',
}

/** What one type of event has and the others have not. */
function ownProperties({ type, value }: DomainEvent, bookings: readonly StoredBooking[]): JsonObject {
  switch (type) {
    case 'accountCreated':
      return { channel: value.channel.toLowerCase() }
    case 'activityWishlisted':
      return value.wishlist === null ? {} : { wishlist: value.wishlist }
    case 'activityAddedToCart':
      return {
        starts_at: iso(value.startsAt),
        participants: value.participants,
        price: Number(value.price.amount),
        currency: value.price.currency,
      }
    case 'bookingCompleted':
      return {
        booking_id: value.bookingId,
        starts_at: iso(value.startsAt),
        participants: value.participants,
        price: Number(value.price.amount),
        currency: value.price.currency,
        ...(value.promoCode === null ? {} : { promo_code: value.promoCode }),
        other_upcoming_activities: otherUpcoming(value, bookings),
      }
    case 'activityPreparationStarted':
      return { booking_id: value.bookingId, starts_at: iso(value.startsAt) }
    case 'activityConducted':
      return { booking_id: value.bookingId, participants: value.participants }
  }
}

/** What else the customer has coming up at that moment: soonest first, bookings that start together by their id. */
function otherUpcoming(
  { bookingId, occurredAt }: { readonly bookingId: string; readonly occurredAt: number },
  bookings: readonly StoredBooking[],
): readonly JsonObject[] {
  return bookings
    .filter(other => other.startsAt > occurredAt && other.bookingId !== bookingId)
    .toSorted((one, other) => one.startsAt - other.startsAt || (one.bookingId < other.bookingId ? -1 : 1))
    .map(({ activityId, title, city, country, startsAt }) => ({
      activity_id: activityId,
      title,
      city,
      country,
      starts_at: iso(startsAt),
    }))
}

function activityProperties(activity: Activity): JsonObject {
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

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
