import assert from 'node:assert/strict'
import { test } from 'node:test'
import avsc from 'avsc'
import { BenchError } from '../src/bench-error.ts'
import { expectedEvent, type MarketingEvent } from '../src/job/event.ts'
import { bookingIndex, customerIndex, JobRecords } from '../src/job/records.ts'
import { schemaText } from '../src/job/schemas.ts'
import { PLAIN } from '../src/job/variant.ts'
import type { Arrival } from '../src/latency/arrivals.ts'
import { checkedArrivals } from '../src/latency/check.ts'
import { summarizeLatency } from '../src/latency/summary.ts'
import { latencyResult } from './fixtures.ts'

const records = new JobRecords(1, PLAIN, { bookings: 0, customers: 20, activities: 5 })

const type = avsc.Type.forSchema(JSON.parse(schemaText('marketing-event')) as avsc.Schema)

/** As it is read: avsc's records have a class of their own. */
function read(event: MarketingEvent): MarketingEvent {
  return type.fromBuffer(type.toBuffer(event)) as MarketingEvent
}

/** What comes of the bookings `[0, count)` when nothing is wrong. */
function rightArrivals(count: number): Map<number, Arrival> {
  const arrivals = new Map<number, Arrival>()
  for (let index = 0; index < count; index += 1) {
    const booking = records.booking(index)
    const activity = Array.from({ length: 5 }, (_, at) => records.activity(at)).find(
      ({ activityId }) => activityId === booking.activityId,
    )!
    const event = expectedEvent(PLAIN, booking, records.customer(customerIndex(booking.customerId)), activity)
    if (event !== undefined) arrivals.set(index, { atMs: index, key: booking.customerId, event: read(event) })
  }
  return arrivals
}

test('a percentile of the summary is the median over the runs, the largest the largest of all', () => {
  const summary = summarizeLatency([
    latencyResult('tributary', 1, 30),
    latencyResult('kafka-streams', 1, 50),
    latencyResult('tributary', 2, 10),
    latencyResult('tributary', 3, 12),
  ])
  assert.deepEqual(summary['tributary'], { runs: 3, p50: 6, p99: 12, p999: 24, max: 90 })
  assert.equal(summary['kafka-streams']?.p99, 50)
})

test('only bookings of the measured time count, in their order', () => {
  const checked = checkedArrivals(records, rightArrivals(200), [50, 150])
  const indices = checked.map(([index]) => index)
  assert.ok(indices.length > 50)
  assert.ok(indices.every(index => index >= 50 && index < 150))
  assert.deepEqual(
    indices,
    indices.toSorted((a, b) => a - b),
  )
})

test('an event that is missing, wrong or one too many ends the measurement', () => {
  const refused = (change: (arrivals: Map<number, Arrival>) => void): void => {
    const arrivals = rightArrivals(100)
    change(arrivals)
    assert.throws(
      () => checkedArrivals(records, arrivals, [0, 100]),
      (error: unknown) => error instanceof BenchError && error.code === 'BENCH_WRONG_OUTPUT',
    )
  }
  const [first] = rightArrivals(100).keys()
  refused(arrivals => arrivals.delete(first!))
  refused(arrivals => {
    const { event } = arrivals.get(first!)!
    const properties = { ...event.properties, quantity: event.properties.quantity + 1 }
    arrivals.set(first!, { ...arrivals.get(first!)!, event: { ...event, properties } })
  })
  refused(arrivals => {
    const dropped = Array.from({ length: 100 }, (_, index) => index).find(index => !arrivals.has(index))!
    arrivals.set(dropped, arrivals.get(first!)!)
  })
  assert.equal(bookingIndex(rightArrivals(100).get(first!)!.event.properties.bookingId), first)
})
