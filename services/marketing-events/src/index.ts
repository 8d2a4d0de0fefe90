export {
  customerEvents,
  type DomainEvent,
  type DomainEventOf,
  type DomainEventType,
} from './domain/customer-events.ts'
export { activities, customers, type Activity, type Customer } from './domain/lookups.ts'
export { marketingEvents, type MarketingEvent } from './marketing-events.ts'
export { marketingTopology } from './topology.ts'
export type { UpcomingActivities, UpcomingActivity } from './upcoming-activities.ts'
