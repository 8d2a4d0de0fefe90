import type { MarketingEvent } from '@tributary/marketing-events'
import { brazeAttributes, brazeEvent, type BrazeObject, type BrazeRecord } from '@tributary/sink-braze'

/**
 * What Braze is told of a marketing event: the event itself, named as campaigns are triggered by it, and whatever it changes
 * in the profile. Attributes come first: Braze applies those of a request before its events, so a campaign that the event
 * triggers sees them.
 */
export function toBraze(event: MarketingEvent): BrazeObject[] {
  switch (event.type) {
    case 'accountCreated': {
      const { email, firstName, language, country, channel } = event.value
      return [
        attributes(event, { email, first_name: firstName, language, country, signup_channel: channel }),
        custom(event, 'account_created', { channel }),
      ]
    }
    case 'activityWishlisted': {
      const { activity, wishlist } = event.value
      return [custom(event, 'activity_wishlisted', { ...flat(activity), ...present({ wishlist }) })]
    }
    case 'activityAddedToCart': {
      const { activity, startsAt, participants, price } = event.value
      return [
        custom(event, 'activity_added_to_cart', {
          ...flat(activity),
          ...money(price),
          starts_at: iso(startsAt),
          participants,
        }),
      ]
    }
    case 'bookingCompleted': {
      const { activity, bookingId, startsAt, participants, price, promoCode, otherUpcomingActivities } =
        event.value
      return [
        attributes(event, { last_booked_city: activity.city, last_booking_at: iso(event.value.occurredAt) }),
        custom(event, 'booking_completed', {
          ...flat(activity),
          ...money(price),
          ...present({ promo_code: promoCode }),
          booking_id: bookingId,
          starts_at: iso(startsAt),
          participants,
          other_upcoming_activities: otherUpcomingActivities.map(other => ({
            activity_id: other.activityId,
            title: other.title,
            city: other.city,
            country: other.country,
            starts_at: iso(other.startsAt),
          })),
        }),
      ]
    }
    case 'activityPreparationStarted': {
      const { activity, bookingId, startsAt } = event.value
      return [
        custom(event, 'activity_preparation_started', {
          ...flat(activity),
          booking_id: bookingId,
          starts_at: iso(startsAt),
        }),
      ]
    }
    case 'activityConducted': {
      const { activity, bookingId, participants } = event.value
      return [custom(event, 'activity_conducted', { ...flat(activity), booking_id: bookingId, participants })]
    }
  }
}

type ActivityDetails = Extract<MarketingEvent, { type: 'bookingCompleted' }>['value']['activity']
type Money = Extract<MarketingEvent, { type: 'bookingCompleted' }>['value']['price']

function custom(event: MarketingEvent, name: string, properties: BrazeRecord): BrazeObject {
  const { customerId, eventId, occurredAt } = event.value
  return brazeEvent({
    external_id: customerId,
    name,
    time: iso(occurredAt),
    properties: { event_id: eventId, ...properties },
  })
}

function attributes(event: MarketingEvent, fields: BrazeRecord): BrazeObject {
  return brazeAttributes({ external_id: event.value.customerId, ...fields })
}

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

function present(fields: Readonly<Record<string, string | null>>): BrazeRecord {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
