import { topology, type Topology } from '@tributary/topology'
import { customerEvents, type DomainEvent, type DomainEventType } from './domain/customer-events.ts'
import { activities, customers } from './domain/lookups.ts'
import { accountCreated } from './events/account-created.ts'
import { activityAddedToCart } from './events/activity-added-to-cart.ts'
import { activityConducted } from './events/activity-conducted.ts'
import { activityPreparationStarted } from './events/activity-preparation-started.ts'
import { activityWishlisted } from './events/activity-wishlisted.ts'
import { bookingCompleted } from './events/booking-completed.ts'
import type { Lookups } from './lookups.ts'
import { marketingEvents } from './marketing-events.ts'
import type { UpcomingActivities } from './upcoming-activities.ts'

/** Turns what happens to customers into what marketing wants to know, for customers who opted in. */
export function marketingTopology(upcomingActivities: UpcomingActivities): Topology {
  const builder = topology('marketing-events')
  const lookups: Lookups = {
    customers: builder.table(customers),
    activities: builder.globalTable(activities),
    upcomingActivities,
  }
  const events = builder.stream(customerEvents).split({
    accounts: isOf('accountCreated'),
    wishes: isOf('activityWishlisted'),
    cartItems: isOf('activityAddedToCart'),
    bookings: isOf('bookingCompleted'),
    preparations: isOf('activityPreparationStarted'),
    visits: isOf('activityConducted'),
  })

  accountCreated(events.accounts.mapValues(valueOf), lookups).to(marketingEvents)
  activityWishlisted(events.wishes.mapValues(valueOf), lookups).to(marketingEvents)
  activityAddedToCart(events.cartItems.mapValues(valueOf), lookups).to(marketingEvents)
  bookingCompleted(events.bookings.mapValues(valueOf), lookups).to(marketingEvents)
  activityPreparationStarted(events.preparations.mapValues(valueOf), lookups).to(marketingEvents)
  activityConducted(events.visits.mapValues(valueOf), lookups).to(marketingEvents)
  return builder.build()
}

function isOf<Type extends DomainEventType>(type: Type) {
  return (event: DomainEvent): event is Extract<DomainEvent, { type: Type }> => event.type === type
}

function valueOf<Value>(event: { readonly value: Value }): Value {
  return event.value
}
