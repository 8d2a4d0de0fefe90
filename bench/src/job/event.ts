import type { Activity, Booking, Customer } from './records.ts'
import { placesLeft } from './places.ts'
import type { Variant } from './variant.ts'

export interface MarketingEvent {
  readonly name: string
  readonly externalId: string
  readonly time: number
  readonly properties: {
    readonly bookingId: string
    readonly title: string
    readonly city: string
    readonly country: string
    readonly startsAt: number
    readonly quantity: number
    readonly amount: number
    readonly currency: string
    readonly locale: string
  }
}

/** What has to come of a booking, written down apart from every contestant. Undefined where nothing has to. */
export function expectedEvent(
  variant: Variant,
  booking: Booking,
  customer: Customer | undefined,
  activity: Activity,
): MarketingEvent | undefined {
  if (variant.steps === 'filtered' && booking.quantity < 4) return undefined
  if (customer === undefined && variant.steps !== 'left-join') return undefined
  if (customer !== undefined && !customer.marketingOptIn) return undefined
  return {
    name: 'booking_completed',
    externalId: booking.customerId,
    time: booking.bookedAt,
    properties: {
      bookingId: booking.bookingId,
      title: variant.steps === 'enriched' ? titleWithPlaces(activity) : activity.title,
      city: activity.city,
      country: activity.country,
      startsAt: booking.startsAt,
      quantity: booking.quantity,
      amount: booking.price.amount,
      currency: booking.price.currency,
      locale: customer?.locale ?? 'und',
    },
  }
}

function titleWithPlaces({ activityId, title }: Activity): string {
  return `${title} (${placesLeft(activityId)} places left)`
}
