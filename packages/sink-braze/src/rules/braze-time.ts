// ISO 8601 in its extended format, and `yyyy-MM-dd'T'HH:mm:ss:SSSZ` (a colon before the milliseconds), as
// https://www.braze.com/docs/api/objects_filters/event_object allows.
const TIME =
  /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:[.,:]\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?$/

export function isBrazeTime(text: string): boolean {
  const match = TIME.exec(text)
  if (match === null) return false
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map(part => Number(part ?? 0))
  // Day 0 of the next month is the last of this one.
  const daysInMonth = new Date(Date.UTC(year, month, 0)).getUTCDate()
  const isDay = month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth
  return isDay && hour <= 23 && minute <= 59 && second <= 60
}
