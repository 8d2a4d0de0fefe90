export { duration, percent, plural, some } from '../../src/words.ts'

export function count(value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** Per second. Below ten a decimal says whether anything moves at all. */
export function rate(value: number): string {
  if (value === 0) return '0/s'
  return value < 10 ? `${value.toFixed(1)}/s` : `${Math.round(value).toLocaleString('en')}/s`
}

export function bytes(value: number): string {
  if (value < 1_024) return `${value} B`
  if (value < 1_048_576) return `${(value / 1_024).toFixed(1)} KiB`
  if (value < 1_073_741_824) return `${(value / 1_048_576).toFixed(1)} MiB`
  return `${(value / 1_073_741_824).toFixed(2)} GiB`
}

export function clockTime(ms: number): string {
  return new Date(ms).toLocaleTimeString('en-GB')
}
