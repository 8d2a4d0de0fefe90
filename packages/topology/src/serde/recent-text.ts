/*
 * The text that was read last, with its bytes. A record's key is read once and written for each lookup and each output, and
 * `Buffer.write` costs 60 ns for 20 bytes, nearly all of it the call out of JavaScript: copying costs a third of that.
 *
 * Only ASCII: other bytes that read as a text need not be the bytes that it is written as.
 */

const LONGEST = 64

const recentBytes = new Uint8Array(LONGEST)
let recentText = ''

export function noteRecentText(text: string, bytes: Uint8Array, start: number, end: number): void {
  const length = end - start
  recentText = ''
  if (length > LONGEST) return
  let seen = 0
  for (let i = 0; i < length; i += 1) {
    const byte = bytes[start + i]!
    recentBytes[i] = byte
    seen |= byte
  }
  if (seen < 0x80) recentText = text
}

/** How many bytes it has copied: 0 where the text is empty or another one. */
export function copyRecentText(text: string, target: Uint8Array): number {
  if (text !== recentText) return 0
  const { length } = text
  for (let i = 0; i < length; i += 1) target[i] = recentBytes[i]!
  return length
}
