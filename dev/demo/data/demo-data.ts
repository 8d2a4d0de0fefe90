import type { Booking } from '@tributary/activities-api'
import type { Activity, Customer, DomainEvent } from '@tributary/marketing-events'
import { FIRST_DAY_MS, generateEvents } from './journeys.ts'
import { generateActivities, generateCustomers, numbered } from './lookups.ts'
import { Random } from './random.ts'

/** Everything that goes into the main job. It follows from the seed and the number of events alone. */
export interface DemoData {
  readonly customers: readonly Customer[]
  readonly activities: readonly Activity[]
  /** What the database of activities-api holds from the start. */
  readonly bookings: readonly StoredBooking[]
  /** In the order in which they are published. */
  readonly events: readonly DomainEvent[]
}

export interface StoredBooking extends Booking {
  /** Milliseconds since the epoch. */
  readonly startsAt: number
}

const CUSTOMERS = 2_000
const ACTIVITIES = 500
const HOUR_MS = 3_600_000

export function generateDemoData({
  seed,
  events: count,
}: {
  readonly seed: number
  readonly events: number
}): DemoData {
  const customers = generateCustomers(seed, CUSTOMERS)
  const activities = generateActivities(seed, ACTIVITIES)
  const events = generateEvents({ seed, events: count, customers, activities })
  return { customers, activities, events, bookings: storedBookings({ seed, customers, activities, events }) }
}

/**
 * Those from before the first event: some of them are over by then or soon after, so that they are not upcoming. And of
 * each customer the first one that is made in the demo, which its own event must not name and later ones must.
 */
function storedBookings({
  seed,
  customers,
  activities,
  events,
}: Omit<DemoData, 'bookings'> & { readonly seed: number }): readonly StoredBooking[] {
  const random = new Random(seed, 'bookings')
  const hasNewAccount = new Set<string>()
  const first = new Map<string, { bookingId: string; activityId: string; startsAt: number }>()
  for (const { type, value } of events) {
    if (type === 'accountCreated') hasNewAccount.add(value.customerId)
    if (type === 'bookingCompleted' && !first.has(value.customerId)) first.set(value.customerId, value)
  }
  const activityById = new Map(activities.map(activity => [activity.activityId, activity]))
  const stored: StoredBooking[] = []
  const store = (
    customerId: string,
    booking: { bookingId: string; activityId: string; startsAt: number },
  ) => {
    const { title, city, country } = activityById.get(booking.activityId)!
    const { bookingId, activityId, startsAt } = booking
    stored.push({ bookingId, customerId, activityId, title, city, country, startsAt })
  }
  for (const { customerId } of customers) {
    const earlier = hasNewAccount.has(customerId) ? 0 : random.between(0, 4)
    for (let index = 0; index < earlier; index += 1) {
      store(customerId, {
        bookingId: numbered('earlier-booking', stored.length + 1, 6),
        activityId: random.pick(activities).activityId,
        startsAt: FIRST_DAY_MS + (random.between(-10, 40) * 24 + random.between(2, 14)) * HOUR_MS,
      })
    }
    const booking = first.get(customerId)
    if (booking !== undefined) store(customerId, booking)
  }
  return stored
}
