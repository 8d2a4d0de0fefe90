import { stripVTControlCharacters } from 'node:util'

/* What comes from records is shown without its power over a terminal. */

/** On one line. */
export function oneLine(text: string): string {
  return escaped(text.replaceAll(/\s+/g, ' ').trim())
}

/** Line breaks and tabs stay. */
export function lines(text: string): string {
  return escaped(text)
}

/** Control characters of both ranges, and those that change the direction of text. */
const POWERFUL = /(?![\t\n])[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

function escaped(text: string): string {
  return text.replaceAll(POWERFUL, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}

const SHOWN_BYTES = 2_048

/** As text where it is text, else in hexadecimal, and no more than two KiB of it. */
export function bytesText(bytes: Uint8Array): string {
  const shown = Buffer.from(bytes.subarray(0, SHOWN_BYTES))
  const rest = bytes.length > SHOWN_BYTES ? ` … (${plural(bytes.length - SHOWN_BYTES, 'more byte')})` : ''
  const text = shown.toString('utf8')
  const isText = bytes.length > 0 && !/(?![\t\n\r])\p{Cc}|\ufffd/u.test(text)
  if (isText) return `${JSON.stringify(text)}${rest}`
  return `${bytes.length === 0 ? '(empty)' : `0x${shown.toString('hex')}`}${rest}`
}

/** A table of columns as wide as they need; the first row is the heading. */
export function tableText(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  toTheRight: readonly number[] = [],
): readonly string[] {
  const all = [heading, ...rows]
  const widths = heading.map((_, column) => Math.max(...all.map(row => widthOf(row[column] ?? ''))))
  return all.map(row =>
    row
      .map((cell, column) => {
        const padding = ' '.repeat((widths[column] ?? 0) - widthOf(cell))
        return toTheRight.includes(column) ? padding + cell : cell + padding
      })
      .join('  ')
      .trimEnd(),
  )
}

/** Without what makes it coloured. */
function widthOf(text: string): number {
  return stripVTControlCharacters(text).length
}

/** In the two largest units: `850 ms`, `12.3 s`, `4 min 5 s`, `3 h 20 min`, `2 d 4 h`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`
  const seconds = Math.floor(ms / 1_000)
  const [minutes, hours, days] = [
    Math.floor(seconds / 60),
    Math.floor(seconds / 3_600),
    Math.floor(seconds / 86_400),
  ]
  if (hours === 0) return `${minutes} min ${seconds % 60} s`
  if (days === 0) return `${hours} h ${minutes % 60} min`
  return `${days.toLocaleString('en')} d ${hours % 24} h`
}
