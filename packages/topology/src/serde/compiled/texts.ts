import { GIVE_UP, NEEDS_ROOM } from './give-up.ts'
import type { RawBuffer } from './raw-buffer.ts'

/*
 * Texts of a value. `utf8Slice` costs 50 to 70 ns whatever it reads, nearly all of it the call out of JavaScript, and a
 * record has many short texts. So the first one makes a string of the bytes that follow it, too, as if they were Latin-1,
 * and the others are cut out of that: 15 ns each. Where a text's own bytes are ASCII the two encodings agree; where they
 * are not, it is read as what it is. A booking with seven texts: 653 -> 409 ns; docs/decisions/0009 has what else was tried.
 *
 * A part of 13 characters or more refers to the string that it was cut from, and keeps it in memory. Nobody may pay for
 * more than that: at most WINDOW_BYTES of its own record.
 */

const WINDOW_BYTES = 512
/** Longer texts are worth a call of their own. */
const LONGEST_SHARED = 128

let windowText = ''
let windowStart = 0
let windowEnd = 0
let valueEnd = 0

/** Must be called before every decode: the buffer may hold other bytes than the last time. */
export function beginTexts(end: number): void {
  valueEnd = end
  windowEnd = -1
}

export function readText(bytes: RawBuffer, at: number, length: number): string {
  if (length === 0) return ''
  const end = at + length
  if (!(end <= valueEnd)) throw GIVE_UP
  if (length > LONGEST_SHARED) return bytes.utf8Slice(at, end)
  for (let i = at; i < end; i++) if (bytes[i]! > 0x7f) return bytes.utf8Slice(at, end)
  if (end > windowEnd) {
    windowStart = at
    windowEnd = Math.min(at + WINDOW_BYTES, valueEnd)
    windowText = bytes.latin1Slice(at, windowEnd)
  }
  return windowText.slice(at - windowStart, end - windowStart)
}

/**
 * As `readText`, for a value with no other text that it could share a call with. A locale or a currency is made of its
 * characters: 16 ns, where the call takes 69.
 */
export function readLoneText(bytes: RawBuffer, at: number, length: number): string {
  const end = at + length
  if (!(end <= valueEnd)) throw GIVE_UP
  const isLong = length < 2 || length > 5
  if (isLong || (bytes[at]! | bytes[at + 1]! | bytes[end - 3]! | bytes[end - 2]! | bytes[end - 1]!) > 0x7f)
    return length === 0 ? '' : bytes.utf8Slice(at, end)
  if (length === 2) return String.fromCharCode(bytes[at]!, bytes[at + 1]!)
  if (length === 3) return String.fromCharCode(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!)
  if (length === 4) return String.fromCharCode(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!)
  return String.fromCharCode(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!, bytes[at + 4]!)
}

/** Up to here a loop over the characters is faster than the call to `utf8Write`, which takes some 35 ns. */
const LONGEST_LOOPED = 16
/** Texts whose length takes one byte. */
const SHORT = 64

/** Writes length and text, answers the position after them. `limit` is where the next thing may begin at the latest. */
export function writeText(bytes: RawBuffer, at: number, text: string, limit: number): number {
  const { length } = text
  if (at + length * 3 > limit) throw NEEDS_ROOM
  if (length >= SHORT) return writeLongText(bytes, at, text)
  if (length > LONGEST_LOOPED) {
    const written = bytes.utf8Write(text, at + 1, length * 3)
    if (written !== length) return writeLongText(bytes, at, text)
    bytes[at] = length << 1
    return at + 1 + length
  }
  bytes[at] = length << 1
  for (let i = 0; i < length; i++) {
    const character = text.charCodeAt(i)
    if (character > 0x7f) return writeLongText(bytes, at, text)
    bytes[at + 1 + i] = character
  }
  return at + 1 + length
}

/** Any text: what is written is counted, and the length before it takes the bytes that the count needs. */
function writeLongText(bytes: RawBuffer, at: number, text: string): number {
  const wellFormed = text.isWellFormed() ? text : text.toWellFormed()
  const assumed = lengthBytes(text.length)
  const written = bytes.utf8Write(wellFormed, at + assumed, text.length * 3)
  const needed = lengthBytes(written)
  if (needed !== assumed) bytes.copyWithin(at + needed, at + assumed, at + assumed + written)
  let rest = written * 2
  for (let i = 0; i < needed; i++) {
    bytes[at + i] = (rest % 128) | (i < needed - 1 ? 0x80 : 0)
    rest = Math.floor(rest / 128)
  }
  return at + needed + written
}

function lengthBytes(length: number): number {
  let bytes = 1
  for (let rest = length * 2; rest >= 128; rest = Math.floor(rest / 128)) bytes++
  return bytes
}
