import type { GlobalKTable, KTable } from '@tributary/topology'
import type { Activity, Customer } from './domain/lookups.ts'
import type { UpcomingActivities } from './upcoming-activities.ts'

/** What an event can be joined with and enriched from. */
export interface Lookups {
  readonly customers: KTable<string, Customer>
  readonly activities: GlobalKTable<string, Activity>
  readonly upcomingActivities: UpcomingActivities
}
