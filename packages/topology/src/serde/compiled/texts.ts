import { GIVE_UP, NEEDS_ROOM } from './give-up.ts'
import type { RawBuffer } from './raw-buffer.ts'

/*
 * Texts of a value. `utf8Slice` costs 50 to 70 ns whatever it reads, nearly all of it the call out of JavaScript, and a
 * record has many short texts. So the first one makes a string of the bytes that follow it, too, as if they were Latin-1,
 * and the others are cut out of that: 15 ns each. Where a text's own bytes are ASCII the two encodings agree; where they
 * are not, it is read as what it is. A booking with seven texts: 653 -> 409 ns; docs/decisions/0009 has what else was tried.
 *
 * The records of a fetched response stand one behind the other, keys before their values, so one such string does for
 * several of them.
 *
 * A part of 13 characters or more refers to the string that it was cut from, and keeps it in memory. Nobody may pay for
 * more than that: at most the bytes of a window.
 */

/** Some five small records. Twice as much saves another 2 %, and each id that somebody keeps would keep twice as much. */
const RECORDS_WINDOW_BYTES = 1_024
/** Of other bytes (a table's row), which have nothing behind them that is read next. */
const VALUE_WINDOW_BYTES = 512
/** Longer texts are worth a call of their own. */
const LONGEST_SHARED = 128

/** Bytes as a string, character by byte. */
interface TextWindow {
  text: string
  start: number
  end: number
}

const recordsWindow: TextWindow = { text: '', start: 0, end: -1 }
const valueWindow: TextWindow = { text: '', start: 0, end: -1 }
let recordsBytes: Uint8Array | undefined
let valueEnd = 0

/** What is decoded next is of a response whose bytes do not change as long as they are named here. */
export function beginRecords(bytes: Uint8Array): void {
  if (bytes === recordsBytes) return
  recordsBytes = bytes
  recordsWindow.end = -1
}

/** Must be called before every decode: the buffer may hold other bytes than the last time. */
export function beginTexts(end: number): void {
  valueEnd = end
  valueWindow.end = -1
}

export function readText(bytes: RawBuffer, at: number, length: number): string {
  if (length === 0) return ''
  const end = at + length
  if (!(end <= valueEnd)) throw GIVE_UP
  if (length > LONGEST_SHARED) return bytes.utf8Slice(at, end)
  if (!isAscii(bytes, at, end)) return bytes.utf8Slice(at, end)
  if (bytes === recordsBytes) return cutOfRecords(bytes, at, end)
  if (end > valueWindow.end) openWindow(valueWindow, bytes, at, Math.min(at + VALUE_WINDOW_BYTES, valueEnd))
  return valueWindow.text.slice(at - valueWindow.start, end - valueWindow.start)
}

/** A text that is a whole key or value. */
export function readWholeText(bytes: RawBuffer, start: number, end: number): string {
  return bytes === recordsBytes && end - start <= LONGEST_SHARED && isAscii(bytes, start, end)
    ? cutOfRecords(bytes, start, end)
    : bytes.utf8Slice(start, end)
}

function cutOfRecords(bytes: RawBuffer, at: number, end: number): string {
  if (end > recordsWindow.end || at < recordsWindow.start)
    openWindow(recordsWindow, bytes, at, Math.min(at + RECORDS_WINDOW_BYTES, bytes.length))
  return recordsWindow.text.slice(at - recordsWindow.start, end - recordsWindow.start)
}

function openWindow(window: TextWindow, bytes: RawBuffer, start: number, end: number): void {
  window.start = start
  window.end = end
  window.text = bytes.latin1Slice(start, end)
}

function isAscii(bytes: RawBuffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i]! > 0x7f) return false
  return true
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
