const HOUR_MS = 3_600_000

const padded = (value: number, digits: number): string => String(value).padStart(digits, '0')

/** `mm:ss.` by the second of an hour. */
const SECONDS: readonly string[] = Array.from(
  { length: 3_600 },
  (_, second) => `${padded(Math.floor(second / 60), 2)}:${padded(second % 60, 2)}.`,
)
const MILLISECONDS: readonly string[] = Array.from({ length: 1_000 }, (_, ms) => `${padded(ms, 3)}Z`)

let latestHour = Number.NaN
/** `yyyy-mm-ddThh:` */
let latestText = ''

/**
 * As `Date.prototype.toISOString`, in a third of its time: every event has one or two times, and most are of the same hour
 * as the one before.
 * @throws RangeError for what is no time
 */
export function isoTime(timeMs: number): string {
  const hour = Math.floor(timeMs / HOUR_MS)
  if (hour !== latestHour) {
    latestText = new Date(hour * HOUR_MS).toISOString().slice(0, -'mm:ss.mmmZ'.length)
    latestHour = hour
  }
  const restMs = Math.trunc(timeMs - hour * HOUR_MS)
  const second = Math.floor(restMs / 1_000)
  return `${latestText}${SECONDS[second]}${MILLISECONDS[restMs - second * 1_000]}`
}
