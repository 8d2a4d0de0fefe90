import { ActivitiesError } from './errors.ts'

/** Whole seconds or fractions, and a zone: without one the time would depend on where the service runs. */
const ISO_8601 = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/
const EPOCH_MS = /^\d{1,15}$/
/** The last moment that ISO 8601 writes with four digits of year. */
const LATEST_MS = Date.UTC(9_999, 11, 31, 23, 59, 59, 999)

/**
 * A moment as a client may write it: epoch milliseconds, or ISO 8601 with a zone.
 * @throws ActivitiesError `ACTIVITIES_REQUEST_INVALID`
 */
export function readInstant(value: string | number, where: string): Date {
  const text = String(value)
  const ms = EPOCH_MS.test(text) ? Number(text) : ISO_8601.test(text) ? Date.parse(text) : NaN
  if (ms >= 0 && ms <= LATEST_MS) return new Date(ms)
  const allowed = 'epoch milliseconds, or ISO 8601 with a zone, from 1970 to 9999'
  throw new ActivitiesError(
    'ACTIVITIES_REQUEST_INVALID',
    `${where} is ${JSON.stringify(value)}; allowed are ${allowed}`,
  )
}
