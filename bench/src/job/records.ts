import { IndexedRandom } from './random.ts'
import type { Variant } from './variant.ts'

export interface Booking {
  readonly bookingId: string
  readonly customerId: string
  readonly activityId: string
  /** Milliseconds since the epoch, as all times here. */
  readonly bookedAt: number
  readonly startsAt: number
  readonly quantity: number
  readonly price: { readonly amount: number; readonly currency: string }
  readonly promoCode: string | null
  readonly tags: readonly string[]
}

export interface Customer {
  readonly customerId: string
  readonly email: string
  readonly firstName: string
  readonly locale: string
  readonly marketingOptIn: boolean
}

export interface Activity {
  readonly activityId: string
  readonly title: string
  readonly city: string
  readonly country: string
  readonly lat: number
  readonly lon: number
  readonly category: string
}

export interface JobSize {
  readonly bookings: number
  readonly customers: number
  readonly activities: number
}

const FIRST_BOOKING_AT = 1_760_000_000_000
const MS_BETWEEN_BOOKINGS = 17
const MS_PER_HOUR = 3_600_000
/** Rows are older than every booking: Kafka Streams takes the records of a task in the order of their timestamps. */
export const ROWS_WRITTEN_AT: number = FIRST_BOOKING_AT - 1_000

const POPULAR_ACTIVITIES = 500
const LARGE_TAGS = 20
const LARGE_TAG_LENGTH = 43
const FIRST_NAMES = [
  'Ada',
  'Alan',
  'Barbara',
  'Donald',
  'Edsger',
  'Frances',
  'Grace',
  'Hedy',
  'John',
  'Katherine',
]
const LOCALES = ['en-GB', 'en-US', 'de-DE', 'fr-FR', 'it-IT', 'es-ES', 'nl-NL', 'pt-BR']
const CITIES = [
  ['Paris', 'FR'],
  ['Rome', 'IT'],
  ['Berlin', 'DE'],
  ['Barcelona', 'ES'],
  ['Amsterdam', 'NL'],
  ['London', 'GB'],
  ['New York', 'US'],
  ['São Paulo', 'BR'],
] as const
const KINDS = ['walking tour', 'boat trip', 'museum ticket', 'cooking class', 'day trip', 'wine tasting']
const QUALITIES = ['Guided', 'Private', 'Small-group', 'Skip-the-line', 'Sunset', 'Family']
const CURRENCIES = ['EUR', 'USD', 'GBP', 'BRL']
const TAGS = ['mobile-app', 'gift-card', 'returning', 'kids', 'weekend', 'vip', 'early', 'last-minute']

/** The customer's id is the key of bookings and customers: 20 bytes. */
export function customerId(index: number): string {
  return `customer-${String(index).padStart(11, '0')}`
}

export function activityId(index: number): string {
  return `activity-${String(index).padStart(15, '0')}`
}

/** The inverse of the ids that this file makes. NaN for other texts. */
export function customerIndex(id: string): number {
  return id.startsWith('customer-') ? Number(id.slice(9)) : NaN
}

/** See `customerIndex`. */
export function bookingIndex(id: string): number {
  return id.startsWith('booking-') ? Number(id.slice(8, 20)) : NaN
}

/** Every record of the job by its index; the same seed, variant and size give the same records. */
export class JobRecords {
  readonly size: JobSize
  readonly variant: Variant
  readonly #bookings: IndexedRandom
  readonly #customers: IndexedRandom
  readonly #activities: IndexedRandom

  constructor(seed: number, variant: Variant, size: JobSize) {
    this.size = size
    this.variant = variant
    this.#bookings = new IndexedRandom(seed, 'bookings')
    this.#customers = new IndexedRandom(seed, 'customers')
    this.#activities = new IndexedRandom(seed, 'activities')
  }

  booking(index: number): Booking {
    const random = this.#bookings
    random.seek(index)
    const customer = this.#customerOf(random)
    const bookedAt = FIRST_BOOKING_AT + index * MS_BETWEEN_BOOKINGS
    const suffix = (random.below(2 ** 30) * 2 ** 20 + random.below(2 ** 20)).toString(16).padStart(15, '0')
    return {
      bookingId: `booking-${String(index).padStart(12, '0')}-${suffix}`,
      customerId: customerId(customer),
      activityId: activityId(this.#activityOf(random, index)),
      bookedAt,
      startsAt: bookedAt + (1 + random.below(24 * 90)) * MS_PER_HOUR,
      quantity: 1 + random.below(5),
      price: { amount: (500 + random.below(50_000)) / 100, currency: random.pick(CURRENCIES) },
      promoCode: random.next() < 0.1 ? `SUMMER${10 + random.below(90)}` : null,
      tags: this.variant.shape === 'large' ? largeTags(random) : [random.pick(TAGS), random.pick(TAGS)],
    }
  }

  customer(index: number): Customer {
    const random = this.#customers
    random.seek(index)
    const firstName = random.pick(FIRST_NAMES)
    return {
      customerId: customerId(index),
      email: `${firstName.toLowerCase()}.${index}@example.com`,
      firstName,
      locale: random.pick(LOCALES),
      marketingOptIn: random.next() < 0.8,
    }
  }

  /** Half of them have none in the variant `left-join`. */
  hasRow(customer: number): boolean {
    return this.variant.steps !== 'left-join' || customer % 2 === 0
  }

  activity(index: number): Activity {
    const random = this.#activities
    random.seek(index)
    const [city, country] = random.pick(CITIES)
    const category = random.pick(KINDS)
    return {
      activityId: activityId(index),
      title: `${random.pick(QUALITIES)} ${category} in ${city}`,
      city,
      country,
      lat: random.below(180_000) / 1_000 - 90,
      lon: random.below(360_000) / 1_000 - 180,
      category,
    }
  }

  /** Where an API is asked, every twentieth booking is of an activity that was not booked for long: 95 % cache hits. */
  #activityOf(random: IndexedRandom, index: number): number {
    const { activities } = this.size
    const draw = random.next()
    if (this.variant.steps !== 'enriched') return Math.floor(draw * activities)
    const popular = Math.min(POPULAR_ACTIVITIES, activities >> 1)
    if (index % 20 !== 0) return Math.floor(draw * popular)
    return popular + (Math.floor(index / 20) % (activities - popular))
  }

  #customerOf(random: IndexedRandom): number {
    const { customers } = this.size
    if (!this.variant.isSkewed) return random.below(customers)
    const isTheLoyalOne = random.next() < 0.2
    const place = random.next() ** 3
    return isTheLoyalOne ? 0 : Math.floor(place * customers)
  }
}

function largeTags(random: IndexedRandom): readonly string[] {
  return Array.from({ length: LARGE_TAGS }, () => `${random.pick(TAGS)}-`.padEnd(LARGE_TAG_LENGTH, 'x'))
}
