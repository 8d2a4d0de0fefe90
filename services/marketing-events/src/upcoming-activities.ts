import { httpEnricher, type Enricher } from '@tributary/enrichers'

/** An activity that a customer has booked, as `activities-api` answers. */
export interface UpcomingActivity {
  readonly bookingId: string
  readonly activityId: string
  readonly title: string
  readonly city: string
  readonly country: string
  /** Milliseconds since the epoch. */
  readonly startsAt: number
}

/** What a customer has coming up after a moment (milliseconds since the epoch), soonest first. */
export type UpcomingActivities = (
  customerId: string,
  after: number,
  signal?: AbortSignal,
) => Promise<readonly UpcomingActivity[]>

const HOUR_MS = 3_600_000

interface Question {
  readonly customerId: string
  readonly fromHour: number
}

/**
 * Asks `activities-api`. It is asked for whole hours, so that several bookings of one customer share an answer; what the
 * hour has too much is left out here.
 */
export function upcomingActivitiesFrom(baseUrl: string): {
  readonly find: UpcomingActivities
  readonly stats: Enricher<Question, readonly UpcomingActivity[]>['stats']
  close(): Promise<void>
} {
  const ask = httpEnricher({
    name: 'upcoming-activities',
    baseUrl,
    key: ({ customerId, fromHour }: Question) => [customerId, fromHour],
    request: ([customerId, fromHour]) => ({
      path: ['customers', customerId, 'upcoming-activities'],
      query: { after: fromHour },
    }),
    parse: answer => readAnswer(answer.json()),
    cache: { ttlMs: 60_000, staleWhileRevalidateMs: 60_000, maxEntries: 50_000 },
    concurrency: 32,
    timeoutMs: 2_000,
    // Marketing wants the event within seconds of the API's return.
    breaker: { maxOpenMs: 5_000 },
  })
  return {
    async find(customerId, after, signal) {
      const fromHour = after - (after % HOUR_MS)
      const upcoming = await ask({ customerId, fromHour }, signal === undefined ? {} : { signal })
      return upcoming.filter(({ startsAt }) => startsAt > after)
    },
    get stats() {
      return ask.stats
    },
    close: () => ask.close(),
  }
}

/** @throws Error for an answer of another shape: it goes to the dead letters with the booking, and not into Braze. */
function readAnswer(answer: unknown): readonly UpcomingActivity[] {
  const activities = (answer as { readonly activities?: unknown } | null)?.activities
  if (!Array.isArray(activities) || !activities.every(isUpcomingActivity)) {
    throw new Error(
      'activities-api must answer { activities: [{ bookingId, activityId, title, city, country, startsAt }] }',
    )
  }
  return activities.map(({ startsAt, ...activity }) => ({ ...activity, startsAt: Date.parse(startsAt) }))
}

function isUpcomingActivity(
  candidate: unknown,
): candidate is Omit<UpcomingActivity, 'startsAt'> & { startsAt: string } {
  const fields = ['bookingId', 'activityId', 'title', 'city', 'country', 'startsAt']
  const activity = candidate as Readonly<Record<string, unknown>> | null
  return (
    typeof activity === 'object' &&
    activity !== null &&
    fields.every(name => typeof activity[name] === 'string')
  )
}
