import { createHash } from 'node:crypto'
import { expectedEvent } from './event.ts'
import { DIGEST_BYTES, EventDigests } from './event-digests.ts'
import { customerIndex, type JobRecords } from './records.ts'

/** What a right output holds. */
export interface ExpectedOutput {
  readonly count: number
  /** By booking, `DIGEST_BYTES` each; zeros for a booking of which nothing comes. */
  readonly digests: Buffer
  /** SHA-256 over the digests in the order of the bookings. */
  readonly sha256: string
}

/** Recomputes the job on the generated records themselves, without Kafka, Avro or a line of any contestant. */
export function expectedOutput(records: JobRecords): ExpectedOutput {
  const { size, variant } = records
  const activityById = new Map(
    Array.from({ length: size.activities }, (_, index) => {
      const activity = records.activity(index)
      return [activity.activityId, activity]
    }),
  )
  const digests = Buffer.alloc(size.bookings * DIGEST_BYTES)
  const ofEvents = new EventDigests()
  let count = 0
  for (let index = 0; index < size.bookings; index += 1) {
    const booking = records.booking(index)
    const customer = customerIndex(booking.customerId)
    const hasRow = records.hasRow(customer)
    const event = expectedEvent(
      variant,
      booking,
      hasRow ? records.customer(customer) : undefined,
      activityById.get(booking.activityId)!,
    )
    if (event === undefined) continue
    ofEvents.of(event).copy(digests, index * DIGEST_BYTES)
    count += 1
  }
  return { count, digests, sha256: sha256OfDigests(digests) }
}

export function sha256OfDigests(digests: Buffer): string {
  return createHash('sha256').update(digests).digest('hex')
}
