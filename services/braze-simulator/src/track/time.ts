// ISO 8601 in its extended format, and `yyyy-MM-dd'T'HH:mm:ss:SSSZ` (a colon before the milliseconds).
const TIME =
  /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:[.,:](\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d)?)?)?$/

function offsetMs(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z') return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(3).replace(':', '') || '0')
  const ms = (hours * 60 + minutes) * 60_000
  return zone.startsWith('-') ? -ms : ms
}

/**
 * Reads a time as `/users/track` takes it.
 * @returns milliseconds since the epoch, UTC when no zone is given; `undefined` for anything that is no time
 */
export function parseTime(text: string): number | undefined {
  const match = TIME.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '0', zone] = match
  const ms = Math.trunc(Number(`0.${fraction}`) * 1_000)
  const date = Date.UTC(Number(year), Number(month) - 1, Number(day))
  const isCalendarDay =
    new Date(date).getUTCMonth() === Number(month) - 1 && new Date(date).getUTCDate() === Number(day)
  if (!isCalendarDay || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined
  const clock = ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1_000 + ms
  return date + clock - offsetMs(zone)
}
