import { setTimeout as sleep } from 'node:timers/promises'
import {
  activities,
  customerEvents,
  customers,
  type Activity,
  type Customer,
  type DomainEvent,
} from '@tributary/marketing-events'
import { Random } from '../../demo/data/random.ts'
import type { TopicCodecs } from '../../demo/kafka/schemas.ts'
import { EventSource } from './events.ts'
import type { LanePublisher } from './lane-publisher.ts'
import { LARGE_BYTES, POISON_KINDS, poisoned, poisonHeaders, truncated } from './poison.ts'
import { temperOf, type Population } from './population.ts'

export interface LoadOptions {
  readonly publisher: LanePublisher
  readonly codecs: ReadonlyMap<string, TopicCodecs>
  /** See `registerNewerSchemas`. */
  readonly newerSchemaIds: ReadonlyMap<string, number>
  readonly population: Population
  readonly seed: number
  /** Domain events per second. */
  readonly rate: number
}

export interface LoadCounts {
  readonly poisonEvents: number
  readonly poisonRows: number
  readonly largeRecords: number
  readonly changedRows: number
}

const TICK_MS = 50
const POISON_EVENTS_PER_SECOND = 0.8
const POISON_ROWS_PER_SECOND = 0.2
const LARGE_PER_SECOND = 0.04
/** What the large records are, in their turn. Every process has a letter for every bad row, so there are few of those. */
const LARGE_TURNS = ['event', 'truncated customer', 'truncated event', 'event', 'truncated activity'] as const
const ROW_CHANGES_PER_SECOND = 3

/** Writes the rows, then events at a steady rate with changes of the rows and bad records among them. */
export class Load {
  readonly #options: LoadOptions
  readonly #events: EventSource
  readonly #random: Random
  readonly #present = new Map<string, boolean>()
  #poisonEvents = 0
  #poisonRows = 0
  #largeRecords = 0
  #changedRows = 0

  constructor(options: LoadOptions) {
    this.#options = options
    this.#events = new EventSource(options.seed, options.population)
    this.#random = new Random(options.seed, 'chaos load')
  }

  get counts(): LoadCounts {
    return {
      poisonEvents: this.#poisonEvents,
      poisonRows: this.#poisonRows,
      largeRecords: this.#largeRecords,
      changedRows: this.#changedRows,
    }
  }

  /** @returns how many */
  writeRows(): number {
    const { population } = this.#options
    for (const row of population.customers) this.#put(customers.name, row.customerId, row)
    for (const row of population.activities) this.#put(activities.name, row.activityId, row)
    return population.customers.length + population.activities.length
  }

  /** Until the signal. What is behind because the process was busy is made up for. */
  async run(signal: AbortSignal): Promise<void> {
    const startedAt = performance.now()
    const done = { events: 0, poisonEvents: 0, poisonRows: 0, changes: 0, large: 0 }
    const perSecond = {
      events: this.#options.rate,
      poisonEvents: POISON_EVENTS_PER_SECOND,
      poisonRows: POISON_ROWS_PER_SECOND,
      changes: ROW_CHANGES_PER_SECOND,
      large: LARGE_PER_SECOND,
    }
    while (!signal.aborted) {
      const seconds = (performance.now() - startedAt) / 1_000
      for (; done.events < seconds * perSecond.events; done.events += 1) this.#event()
      for (; done.changes < seconds * perSecond.changes; done.changes += 1) this.#changeRow()
      for (; done.poisonEvents < seconds * perSecond.poisonEvents; done.poisonEvents += 1) this.#badEvent()
      for (; done.poisonRows < seconds * perSecond.poisonRows; done.poisonRows += 1) this.#badRow()
      for (; done.large < seconds * perSecond.large; done.large += 1) this.#large(done.large)
      await sleep(TICK_MS)
    }
  }

  #event(): void {
    const { publisher } = this.#options
    publisher.push({ topic: customerEvents.name, ...this.#encodedEvent(this.#events.next()) })
  }

  #changeRow(): void {
    const { customers: rows, activities: others } = this.#options.population
    if (this.#random.chance(0.7)) {
      const place = this.#unsteadyPlace(rows.length)
      this.#changeCustomer(rows[place]!, place)
    } else {
      const place = this.#unsteadyPlace(others.length)
      this.#changeActivity(others[place]!, place)
    }
    this.#changedRows += 1
  }

  #unsteadyPlace(count: number): number {
    for (;;) {
      const place = this.#random.between(0, count - 1)
      if (temperOf(place) !== 'steady') return place
    }
  }

  #changeCustomer(row: Customer, place: number): void {
    const { customerId } = row
    const changed = {
      ...row,
      email: `${customerId}@${this.#changedRows}.example.com`,
      firstName: `Name ${this.#changedRows}`,
    }
    if (temperOf(place) === 'changing') {
      this.#put(customers.name, customerId, changed)
      return
    }
    const isThere = this.#present.get(customerId) ?? true
    this.#present.set(customerId, !isThere)
    if (!isThere) this.#put(customers.name, customerId, { ...changed, marketingOptIn: true })
    else if (this.#random.chance(0.5))
      this.#put(customers.name, customerId, { ...changed, marketingOptIn: false })
    else this.#put(customers.name, customerId, null)
  }

  #changeActivity(row: Activity, place: number): void {
    const { activityId } = row
    const isThere = this.#present.get(activityId) ?? true
    const isDeleted = temperOf(place) === 'coming and going' && isThere
    this.#present.set(activityId, !isDeleted)
    const changed = { ...row, title: `${row.title} (${this.#changedRows})` }
    this.#put(activities.name, activityId, isDeleted ? null : changed)
  }

  #badEvent(): void {
    const { customers: rows, activities: others } = this.#options.population
    const wish = this.#events.wish(this.#random.pick(rows), this.#random.pick(others))
    this.#pushBad(customerEvents.name, this.#poisonEvents, this.#encodedEvent(wish))
    this.#poisonEvents += 1
  }

  /** Under the key of a row that is there: where it cannot be read, that one has to stay. */
  #badRow(): void {
    const { customers: rows, activities: others } = this.#options.population
    const turn = this.#poisonRows
    // Each kind in both topics.
    if ((Math.floor(turn / POISON_KINDS.length) + turn) % 2 === 0) {
      const row = this.#random.pick(rows)
      this.#pushBad(customers.name, turn, this.#encoded(customers.name, row.customerId, row))
    } else {
      const row = this.#random.pick(others)
      this.#pushBad(activities.name, turn, this.#encoded(activities.name, row.activityId, row))
    }
    this.#poisonRows += 1
  }

  #pushBad(topic: string, turn: number, sample: { readonly key: Buffer; readonly value: Buffer }): void {
    const { publisher, newerSchemaIds } = this.#options
    const kind = POISON_KINDS[turn % POISON_KINDS.length]!
    const newerSchemaId = newerSchemaIds.get(topic)!
    publisher.push({ topic, ...poisoned(kind, { ...sample, newerSchemaId }, this.#random) })
  }

  /** Of rows that stay as they are, so that nothing but its size decides about an event. */
  #large(turn: number): void {
    const { customers: rows, activities: others } = this.#options.population
    const isSteady = (_: unknown, place: number): boolean => temperOf(place) === 'steady'
    const customer = this.#random.pick(rows.filter(isSteady).filter(({ marketingOptIn }) => marketingOptIn))
    const activity = this.#random.pick(others.filter(isSteady))
    const text = 'x'.repeat(LARGE_BYTES)
    switch (LARGE_TURNS[turn] ?? LARGE_TURNS[turn % 2 === 0 ? 0 : 2]) {
      case 'event':
        this.#pushLarge(customerEvents.name, this.#encodedEvent(this.#events.wish(customer, activity, text)))
        return
      case 'truncated event':
        this.#pushLarge(
          customerEvents.name,
          this.#encodedEvent(this.#events.wish(customer, activity, text)),
          true,
        )
        return
      case 'truncated customer': {
        const row = { ...customer, firstName: text }
        this.#pushLarge(customers.name, this.#encoded(customers.name, customer.customerId, row), true)
        return
      }
      case 'truncated activity': {
        const row = { ...activity, title: text }
        this.#pushLarge(activities.name, this.#encoded(activities.name, activity.activityId, row), true)
        return
      }
    }
  }

  #pushLarge(
    topic: string,
    { key, value }: { readonly key: Buffer; readonly value: Buffer },
    isTruncated = false,
  ): void {
    this.#options.publisher.push({
      topic,
      key,
      value: isTruncated ? truncated(value) : value,
      headers: poisonHeaders(isTruncated ? 'nearly 10 MB, truncated' : 'nearly 10 MB'),
    })
    this.#largeRecords += 1
  }

  #put(topic: string, key: string, value: Customer | Activity | null): void {
    const { publisher } = this.#options
    if (value !== null) publisher.push({ topic, ...this.#encoded(topic, key, value) })
    else publisher.push({ topic, key: Buffer.from(key), value: null })
  }

  #encodedEvent(event: DomainEvent): { readonly key: Buffer; readonly value: Buffer } {
    return this.#encoded(customerEvents.name, event.value.customerId, event)
  }

  #encoded(topic: string, key: string, value: unknown): { readonly key: Buffer; readonly value: Buffer } {
    const codecs = this.#options.codecs.get(topic)!
    // Copied: the next call of `encode` overwrites what this one returned.
    return { key: Buffer.from(codecs.key.encode(key)), value: Buffer.from(codecs.value.encode(value)) }
  }
}
