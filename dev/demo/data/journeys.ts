import type { Activity, Customer, DomainEvent } from '@tributary/marketing-events'
import { numbered } from './lookups.ts'
import { Random } from './random.ts'

/** What every domain event says. */
interface Common {
  readonly eventId: string
  readonly customerId: string
  readonly occurredAt: number
}

/** An event that has its time, but no number yet: they are numbered in the order in which they happen. */
interface Draft {
  readonly customerId: string
  readonly at: number
  readonly build: (common: Common) => DomainEvent
}

export interface JourneyOptions {
  readonly seed: number
  readonly events: number
  readonly customers: readonly Customer[]
  readonly activities: readonly Activity[]
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Fixed, and long past: Braze gives an event from the future the time at which it arrives. */
export const FIRST_DAY_MS: number = Date.UTC(2025, 5, 2, 6)
/** New interests begin in this span; what follows from one takes up to two days more. */
const ACTIVE_MS = 2 * DAY_MS

// With these an average interest in an activity is worth 2.58 events, and the types come about as often as the demo
// promises: wishes and cart items 25 % each, bookings 20 %, preparations and conducted activities 11 % each.
const ACCOUNT_SHARE = 0.08
const KINDS_OF_INTEREST = [
  { probability: 0.3, isWished: true, isInCart: false },
  { probability: 0.3, isWished: false, isInCart: true },
  { probability: 0.4, isWished: true, isInCart: true },
] as const
const BOOKED_FROM_CART = 0.8
const TAKES_PLACE_SOON = 0.55
const MOST_NEW_CUSTOMERS = 0.8

/** Exactly as many events as asked for, in the order in which they happen. */
export function generateEvents(options: JourneyOptions): readonly DomainEvent[] {
  return new Journeys(options).events()
}

class Journeys {
  readonly #options: JourneyOptions
  readonly #random: Random
  readonly #drafts: Draft[] = []
  /** From when on a customer who is new can do something. */
  readonly #knownFrom = new Map<string, number>()
  #bookings = 0

  constructor(options: JourneyOptions) {
    this.#options = options
    this.#random = new Random(options.seed, 'journeys')
  }

  events(): readonly DomainEvent[] {
    const { customers, events } = this.#options
    const newCustomers = Math.min(
      Math.round(events * ACCOUNT_SHARE),
      Math.round(customers.length * MOST_NEW_CUSTOMERS),
    )
    for (const customer of this.#sample(customers, newCustomers)) this.#openAccount(customer)
    while (this.#drafts.length < events) this.#takeInterest(this.#random.pick(customers))
    return (
      this.#drafts
        // Stable, so that what happens at the same moment stays as it was drafted.
        .toSorted((one, other) => one.at - other.at)
        .slice(0, events)
        .map(({ customerId, at, build }, index) =>
          build({ eventId: numbered('event', index + 1, 6), customerId, occurredAt: at }),
        )
    )
  }

  #sample<T>(from: readonly T[], count: number): readonly T[] {
    const pool = [...from]
    for (let index = 0; index < count; index += 1) {
      const other = this.#random.between(index, pool.length - 1)
      const picked = pool[other]!
      pool[other] = pool[index]!
      pool[index] = picked
    }
    return pool.slice(0, count)
  }

  #openAccount({ customerId }: Customer): void {
    const at = FIRST_DAY_MS + this.#random.between(0, ACTIVE_MS / 2)
    const channel = this.#random.pick(['WEB', 'IOS', 'ANDROID'] as const)
    this.#knownFrom.set(customerId, at)
    this.#add(customerId, at, common => ({ type: 'accountCreated', value: { ...common, channel } }))
  }

  #takeInterest({ customerId }: Customer): void {
    const random = this.#random
    const { activityId } = random.pick(this.#options.activities)
    const { isWished, isInCart } = this.#kindOfInterest()
    let at = this.#knownFrom.get(customerId) ?? FIRST_DAY_MS
    at += random.between(MINUTE_MS, ACTIVE_MS)
    if (isWished) {
      const wishlist = random.chance(0.4) ? random.pick(['Summer', 'With the children', 'Some day']) : null
      this.#add(customerId, at, common => ({
        type: 'activityWishlisted',
        value: { ...common, activityId, wishlist },
      }))
    }
    if (!isInCart) return
    at += random.between(1_000, 30 * MINUTE_MS)
    const isSoon = random.chance(TAKES_PLACE_SOON)
    const startsAt = halfHourAfter(
      at + (isSoon ? random.between(4 * HOUR_MS, 30 * HOUR_MS) : random.between(3 * DAY_MS, 60 * DAY_MS)),
    )
    const participants = random.between(1, 6)
    const price = {
      amount: `${random.between(9, 250)}.${random.pick(['00', '50', '90', '99'])}`,
      currency: 'EUR',
    }
    const item = { activityId, startsAt, participants, price }
    this.#add(customerId, at, common => ({ type: 'activityAddedToCart', value: { ...common, ...item } }))
    if (!random.chance(BOOKED_FROM_CART)) return
    at += random.between(1_000, 30 * MINUTE_MS)
    this.#book(customerId, at, { ...item, isSoon })
  }

  #book(
    customerId: string,
    at: number,
    {
      isSoon,
      ...item
    }: {
      readonly activityId: string
      readonly startsAt: number
      readonly participants: number
      readonly price: { readonly amount: string; readonly currency: string }
      readonly isSoon: boolean
    },
  ): void {
    const random = this.#random
    const { activityId, startsAt, participants } = item
    this.#bookings += 1
    const bookingId = numbered('booking', this.#bookings, 6)
    const promoCode = random.chance(0.15) ? random.pick(['WELCOME10', 'SUMMER']) : null
    this.#add(customerId, at, common => ({
      type: 'bookingCompleted',
      value: { ...common, ...item, bookingId, promoCode },
    }))
    if (!isSoon) return
    const startedAt = startsAt - random.between(HOUR_MS, 3 * HOUR_MS)
    this.#add(customerId, startedAt, common => ({
      type: 'activityPreparationStarted',
      value: { ...common, bookingId, activityId, startsAt },
    }))
    const endedAt = startsAt + random.between(HOUR_MS, 5 * HOUR_MS)
    this.#add(customerId, endedAt, common => ({
      type: 'activityConducted',
      value: { ...common, bookingId, activityId, participants },
    }))
  }

  #kindOfInterest(): (typeof KINDS_OF_INTEREST)[number] {
    let draw = this.#random.next()
    for (const kind of KINDS_OF_INTEREST) {
      draw -= kind.probability
      if (draw < 0) return kind
    }
    return KINDS_OF_INTEREST[0]
  }

  #add(customerId: string, at: number, build: Draft['build']): void {
    this.#drafts.push({ customerId, at, build })
  }
}

function halfHourAfter(time: number): number {
  return Math.ceil(time / (HOUR_MS / 2)) * (HOUR_MS / 2)
}
