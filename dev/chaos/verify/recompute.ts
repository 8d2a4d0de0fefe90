import type { Activity, Customer, DomainEvent } from '@tributary/marketing-events'
import { bookingsOf } from '../activities-stand-in.ts'

/*
 * What a domain event has to become, with plain code. Nothing of the topologies is used, on purpose: a mistake there must
 * not be repeated here.
 */

/** The marketing event, for a customer who opted in and, where it names one, an activity that is there. */
export function expectedOutput(
  { type, value }: DomainEvent,
  customer: Customer,
  activity: Activity | undefined,
): { readonly type: string; readonly value: object } {
  const { eventId, customerId, occurredAt } = value
  const common = { eventId, customerId, occurredAt }
  if (type === 'accountCreated') {
    const { email, firstName, language, country } = customer
    const channel = value.channel.toLowerCase()
    return { type, value: { ...common, email, firstName, language, country, channel } }
  }
  const { activityId, title, category, city, country, latitude, longitude } = activity!
  const about = { activity: { activityId, title, category, city, country, latitude, longitude } }
  switch (type) {
    case 'activityWishlisted':
      return { type, value: { ...common, ...about, wishlist: value.wishlist } }
    case 'activityAddedToCart': {
      const { startsAt, participants, price } = value
      return { type, value: { ...common, ...about, startsAt, participants, price } }
    }
    case 'bookingCompleted': {
      const { bookingId, startsAt, participants, price, promoCode } = value
      const otherUpcomingActivities = upcoming(customerId, occurredAt, bookingId)
      return {
        type,
        value: {
          ...common,
          ...about,
          bookingId,
          startsAt,
          participants,
          price,
          promoCode,
          otherUpcomingActivities,
        },
      }
    }
    case 'activityPreparationStarted':
      return { type, value: { ...common, ...about, bookingId: value.bookingId, startsAt: value.startsAt } }
    case 'activityConducted':
      return {
        type,
        value: { ...common, ...about, bookingId: value.bookingId, participants: value.participants },
      }
  }
}

export function activityIdOf({ value }: DomainEvent): string | undefined {
  return 'activityId' in value ? value.activityId : undefined
}

function upcoming(customerId: string, after: number, except: string): readonly object[] {
  return bookingsOf(customerId)
    .filter(({ startsAt, bookingId }) => startsAt > after && bookingId !== except)
    .map(({ activityId, title, city, country, startsAt }) => ({ activityId, title, city, country, startsAt }))
}
