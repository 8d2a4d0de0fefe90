import type { Database } from './database.ts'
import { ActivitiesError } from './errors.ts'

/** An activity that a customer has booked, as it is stored. */
export interface Booking {
  readonly bookingId: string
  readonly customerId: string
  readonly activityId: string
  readonly title: string
  readonly city: string
  readonly country: string
  /** Milliseconds since the epoch, or ISO 8601. */
  readonly startsAt: number | string | Date
}

/** What the API answers of a booking. */
export interface UpcomingActivity {
  readonly bookingId: string
  readonly activityId: string
  readonly title: string
  readonly city: string
  readonly country: string
  /** ISO 8601, UTC, with milliseconds. */
  readonly startsAt: string
}

export interface UpcomingQuestion {
  readonly customerId: string
  /** Activities that start later than this. */
  readonly after: Date
}

interface UpcomingRow {
  /** A bigint, which the driver gives as a string. */
  readonly position: string
  readonly booking_id: string
  readonly activity_id: string
  readonly title: string
  readonly city: string
  readonly country: string
  readonly starts_at: Date
}

/** One statement for any number of questions, each answered from the index. */
const UPCOMING = `
SELECT asked.position, upcoming.*
FROM unnest($1::text[], $2::timestamptz[]) WITH ORDINALITY AS asked (customer_id, after, position)
CROSS JOIN LATERAL (
  SELECT booking_id, activity_id, title, city, country, starts_at
  FROM bookings
  WHERE bookings.customer_id = asked.customer_id AND starts_at > asked.after
  ORDER BY starts_at, booking_id
  LIMIT $3
) AS upcoming
ORDER BY asked.position, upcoming.starts_at, upcoming.booking_id`

/**
 * What each customer has coming up, soonest first, bookings that start together by their id. The answers stand in the
 * questions' order and depend on nothing but the questions and the table.
 */
export async function findUpcoming(
  database: Database,
  questions: readonly UpcomingQuestion[],
  limit: number,
): Promise<readonly (readonly UpcomingActivity[])[]> {
  const customers = questions.map(({ customerId }) => customerId)
  const times = questions.map(({ after }) => after.toISOString())
  const { rows } = await database.query(UPCOMING, [customers, times, limit])
  const answers: UpcomingActivity[][] = questions.map(() => [])
  for (const row of rows as readonly UpcomingRow[])
    answers[Number(row.position) - 1]!.push({
      bookingId: row.booking_id,
      activityId: row.activity_id,
      title: row.title,
      city: row.city,
      country: row.country,
      startsAt: row.starts_at.toISOString(),
    })
  return answers
}

const STORE = `
INSERT INTO bookings (booking_id, customer_id, activity_id, title, city, country, starts_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
ON CONFLICT (booking_id) DO UPDATE SET
  customer_id = excluded.customer_id, activity_id = excluded.activity_id, title = excluded.title,
  city = excluded.city, country = excluded.country, starts_at = excluded.starts_at`

/** Keeps a statement at about a megabyte. */
const ROWS_PER_STATEMENT = 5_000

/**
 * Stores bookings in bulk; one that is there already, or given twice, takes the last values.
 * @throws ActivitiesError `ACTIVITIES_BOOKING_INVALID` before anything is stored
 */
export async function loadUpcomingActivities(database: Database, bookings: Iterable<Booking>): Promise<void> {
  // A statement must not name the same booking twice.
  const byId = new Map<string, { readonly booking: Booking; readonly startsAt: string }>()
  for (const booking of bookings) byId.set(booking.bookingId, { booking, startsAt: startOf(booking) })
  const rows = [...byId.values()]
  for (let from = 0; from < rows.length; from += ROWS_PER_STATEMENT) {
    const some = rows.slice(from, from + ROWS_PER_STATEMENT)
    await database.query(STORE, [
      some.map(({ booking }) => booking.bookingId),
      some.map(({ booking }) => booking.customerId),
      some.map(({ booking }) => booking.activityId),
      some.map(({ booking }) => booking.title),
      some.map(({ booking }) => booking.city),
      some.map(({ booking }) => booking.country),
      some.map(({ startsAt }) => startsAt),
    ])
  }
}

function startOf({ bookingId, startsAt }: Booking): string {
  const date = new Date(startsAt)
  if (!Number.isNaN(date.getTime())) return date.toISOString()
  const message = `Booking ${bookingId} starts at ${JSON.stringify(startsAt)}; allowed are epoch milliseconds and ISO 8601`
  throw new ActivitiesError('ACTIVITIES_BOOKING_INVALID', message)
}
