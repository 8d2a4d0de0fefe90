import type { JobSize } from '../job/records.ts'
import { PLAIN, type Variant } from '../job/variant.ts'

export type AxisName = 'partitions' | 'tables' | 'steps' | 'rows'

/** What is made larger while everything else stays as it is. */
export interface Axis {
  readonly name: AxisName
  readonly title: string
  readonly points: readonly number[]
  /** The job with `point` of it. */
  at(point: number, bookings: number): { readonly variant: Variant; readonly size: JobSize }
}

const CUSTOMERS = 100_000
const ACTIVITIES = 20_000
/** Two joins, a filter, a map, the source and the sink. */
const STEPS_OF_THE_JOB = 6
const TABLES_OF_THE_JOB = 2
/** With few, all that is measured is how long the broker takes to make the files of a partition at its first record. */
const BOOKINGS_PER_PARTITION = 20_000

export const AXES: readonly Axis[] = [
  {
    name: 'partitions',
    title: 'partitions of every topic, 20,000 bookings in each at least',
    points: [1, 4, 12, 24, 48, 96],
    at: (partitions, bookings) => ({
      variant: { ...PLAIN, partitions },
      size: {
        bookings: Math.max(bookings, partitions * BOOKINGS_PER_PARTITION),
        customers: CUSTOMERS,
        activities: ACTIVITIES,
      },
    }),
  },
  {
    name: 'tables',
    title: 'tables that each booking is joined with',
    points: [2, 4, 6, 8],
    at: (tables, bookings) => ({
      variant: { ...PLAIN, extraTables: tables - TABLES_OF_THE_JOB },
      size: { bookings, customers: CUSTOMERS, activities: ACTIVITIES },
    }),
  },
  {
    name: 'steps',
    title: 'steps of the topology',
    points: [6, 12, 20, 30],
    at: (steps, bookings) => ({
      variant: { ...PLAIN, extraSteps: steps - STEPS_OF_THE_JOB },
      size: { bookings, customers: CUSTOMERS, activities: ACTIVITIES },
    }),
  },
  {
    name: 'rows',
    title: 'rows of the customers’ table',
    points: [10_000, 100_000, 500_000, 1_000_000, 2_500_000, 5_000_000],
    at: (customers, bookings) => ({
      variant: PLAIN,
      size: { bookings, customers, activities: ACTIVITIES },
    }),
  },
]
