import type { Activity, Customer } from '@tributary/marketing-events'
import { generateActivities, generateCustomers } from '../../demo/data/lookups.ts'

/** How a row behaves while events flow. */
export type Temper =
  /** Is written once, before the first event. */
  | 'steady'
  /** Gets other values, and is always there. */
  | 'changing'
  /** Is deleted and written again; a customer also opts out and in. */
  | 'coming and going'

export interface Population {
  readonly customers: readonly Customer[]
  readonly activities: readonly Activity[]
}

const CUSTOMERS = 600
const ACTIVITIES = 100
/** Of ten rows. */
const TEMPERS: readonly Temper[] = [
  ...Array.from({ length: 7 }, (): Temper => 'steady'),
  'changing',
  'changing',
  'coming and going',
]

export function generatePopulation(seed: number): Population {
  return { customers: generateCustomers(seed, CUSTOMERS), activities: generateActivities(seed, ACTIVITIES) }
}

export function temperOf(place: number): Temper {
  return TEMPERS[place % TEMPERS.length]!
}
