import { BenchError } from '../bench-error.ts'
import { expectedEvent } from '../job/event.ts'
import { EventDigests } from '../job/event-digests.ts'
import { customerIndex, type JobRecords } from '../job/records.ts'
import type { Arrival } from './arrivals.ts'

/**
 * Holds what has come of the bookings `[first, end)` against what should have; the order is that of the bookings.
 * @throws BenchError BENCH_WRONG_OUTPUT
 */
export function checkedArrivals(
  records: JobRecords,
  arrivals: ReadonlyMap<number, Arrival>,
  [first, end]: readonly [number, number],
): readonly (readonly [index: number, arrival: Arrival])[] {
  const activities = new Map(
    Array.from({ length: records.size.activities }, (_, index) => {
      const activity = records.activity(index)
      return [activity.activityId, activity]
    }),
  )
  const digests = new EventDigests()
  const checked: (readonly [number, Arrival])[] = []
  for (let index = first; index < end; index += 1) {
    const booking = records.booking(index)
    const customer = records.customer(customerIndex(booking.customerId))
    const event = expectedEvent(records.variant, booking, customer, activities.get(booking.activityId)!)
    const arrival = arrivals.get(index)
    if (event === undefined && arrival === undefined) continue
    const isRight =
      event !== undefined &&
      arrival !== undefined &&
      arrival.key === booking.customerId &&
      digests.of(event).equals(digests.of(arrival.event))
    if (!isRight) {
      const what = arrival === undefined ? 'nothing' : JSON.stringify(arrival.event)
      throw new BenchError('BENCH_WRONG_OUTPUT', `Of booking ${index} came ${what}, which is not right.`)
    }
    checked.push([index, arrival])
  }
  return checked
}
