// ISO 8601 in its extended format, and `yyyy-MM-dd'T'HH:mm:ss:SSSZ` (a colon before the milliseconds).
const TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:[.,:]\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?$/
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const DATE_LENGTH = 'yyyy-mm-dd'.length
const ZERO = 48

// Fixed places and no captures: each event's time is read twice, and captured groups took a seventh of all the time.
function digitsAt(text: string, start: number, count: number): number {
  let value = 0
  for (let at = start; at < start + count; at++) value = value * 10 + text.charCodeAt(at) - ZERO
  return value
}

function isCalendarDay(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1 || day > DAYS[month - 1]!) return false
  const isLeapYear = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return month !== 2 || day < 29 || isLeapYear
}

/** Where the zone begins, in the part after the date; the text's length when there is none. */
function zoneStart(text: string): number {
  if (text.endsWith('Z')) return text.length - 1
  const sign = Math.max(text.lastIndexOf('+'), text.lastIndexOf('-'))
  return sign > DATE_LENGTH ? sign : text.length
}

function offsetMs(zone: string): number {
  if (zone.length < 3) return 0
  const minutes = digitsAt(zone, 1, 2) * 60 + (zone.length > 3 ? digitsAt(zone, zone.length - 2, 2) : 0)
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000
}

/**
 * Reads a time as `/users/track` takes it.
 * @returns milliseconds since the epoch, UTC when no zone is given; `undefined` for anything that is no time
 */
export function parseTime(text: string): number | undefined {
  if (!TIME.test(text)) return undefined
  const year = digitsAt(text, 0, 4)
  const month = digitsAt(text, 5, 2)
  const day = digitsAt(text, 8, 2)
  if (!isCalendarDay(year, month, day)) return undefined
  const date = Date.UTC(year, month - 1, day)
  if (text.length === DATE_LENGTH) return date
  const end = zoneStart(text)
  const hour = digitsAt(text, 11, 2)
  const minute = digitsAt(text, 14, 2)
  const second = end > 16 ? digitsAt(text, 17, 2) : 0
  if (hour > 23 || minute > 59 || second > 60) return undefined
  const ms = end > 19 ? Number(text.slice(20, end).padEnd(3, '0').slice(0, 3)) : 0
  return date + ((hour * 60 + minute) * 60 + second) * 1_000 + ms - offsetMs(text.slice(end))
}
