import type { Activity, Customer, DomainEvent } from '@tributary/marketing-events'
import { FIRST_DAY_MS } from '../../demo/data/journeys.ts'
import { numbered } from '../../demo/data/lookups.ts'
import { Random } from '../../demo/data/random.ts'
import type { Population } from './population.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** Events of customers who have no row. */
const STRANGERS_SHARE = 0.02
/** Of a hundred events. */
const SHARES = {
  accountCreated: 10,
  activityWishlisted: 25,
  activityAddedToCart: 20,
  bookingCompleted: 25,
  activityPreparationStarted: 10,
  activityConducted: 10,
} as const

interface Common {
  readonly eventId: string
  readonly customerId: string
  readonly occurredAt: number
}

/** Domain events without end, one after the other as the seed has them. */
export class EventSource {
  readonly #random: Random
  readonly #population: Population
  #count = 0

  constructor(seed: number, population: Population) {
    this.#random = new Random(seed, 'chaos events')
    this.#population = population
  }

  next(): DomainEvent {
    const random = this.#random
    const { customers, activities } = this.#population
    const customerId = random.chance(STRANGERS_SHARE)
      ? numbered('stranger', random.between(1, 50), 2)
      : random.pick(customers).customerId
    return this.#event(this.#common(customerId), random.pick(activities).activityId)
  }

  wish({ customerId }: Customer, { activityId }: Activity, wishlist: string | null = null): DomainEvent {
    return { type: 'activityWishlisted', value: { ...this.#common(customerId), activityId, wishlist } }
  }

  #common(customerId: string): Common {
    this.#count += 1
    return {
      eventId: numbered('event', this.#count, 8),
      customerId,
      // Within a day, so that some of a customer's bookings are over and some are to come.
      occurredAt: FIRST_DAY_MS + this.#random.between(0, 24 * 60) * MINUTE_MS,
    }
  }

  #event(common: Common, activityId: string): DomainEvent {
    const random = this.#random
    const startsAt = common.occurredAt + random.between(1, 48) * HOUR_MS
    const participants = random.between(1, 6)
    const price = { amount: `${random.between(9, 250)}.${random.pick(['00', '90'])}`, currency: 'EUR' }
    const bookingId = numbered('booking', this.#count, 8)
    const type = this.#type()
    switch (type) {
      case 'accountCreated':
        return { type, value: { ...common, channel: random.pick(['WEB', 'IOS', 'ANDROID'] as const) } }
      case 'activityWishlisted':
        return { type, value: { ...common, activityId, wishlist: random.chance(0.4) ? 'Summer' : null } }
      case 'activityAddedToCart':
        return { type, value: { ...common, activityId, startsAt, participants, price } }
      case 'bookingCompleted': {
        const promoCode = random.chance(0.2) ? 'WELCOME10' : null
        return {
          type,
          value: { ...common, bookingId, activityId, startsAt, participants, price, promoCode },
        }
      }
      case 'activityPreparationStarted':
        return { type, value: { ...common, bookingId, activityId, startsAt } }
      case 'activityConducted':
        return { type, value: { ...common, bookingId, activityId, participants } }
    }
  }

  #type(): DomainEvent['type'] {
    let draw = this.#random.between(1, 100)
    for (const [type, share] of Object.entries(SHARES)) {
      draw -= share
      if (draw <= 0) return type as DomainEvent['type']
    }
    return 'activityConducted'
  }
}
