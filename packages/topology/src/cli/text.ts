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
