// ISO 8601 in its extended format, and `yyyy-MM-dd'T'HH:mm:ss:SSSZ` (a colon before the milliseconds), as
// https://www.braze.com/docs/api/objects_filters/event_object allows.
const TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:[.,:]\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?$/
const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

export function isBrazeTime(text: string): boolean {
  if (!TIME.test(text)) return false
  // Every event's time is read, and captured groups would cost more than all the rest: the places are fixed.
  const year = number(text, 0, 4)
  const month = number(text, 5, 2)
  const day = number(text, 8, 2)
  if (day < 1 || day > (DAYS_IN_MONTH[month - 1] ?? 0)) return false
  if (month === 2 && day === 29 && (year % 4 !== 0 || (year % 100 === 0 && year % 400 !== 0))) return false
  if (text.length === 10) return true
  const hasSeconds = text.charCodeAt(16) === COLON
  return number(text, 11, 2) <= 23 && number(text, 14, 2) <= 59 && (!hasSeconds || number(text, 17, 2) <= 60)
}

const COLON = 58
const ZERO = 48

function number(text: string, start: number, digits: number): number {
  let value = 0
  for (let at = start; at < start + digits; at += 1) value = value * 10 + text.charCodeAt(at) - ZERO
  return value
}
