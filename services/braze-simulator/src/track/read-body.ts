import type { IncomingMessage } from 'node:http'

/** A request's body: the JSON in it, or why there is none. */
export type ReadBody =
  | { readonly bytes: number; readonly json: unknown }
  | { readonly bytes: number; readonly problem: 'too-large' | 'syntax' }

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function parse(bytes: Buffer): ReadBody {
  try {
    return { bytes: bytes.length, json: JSON.parse(decoder.decode(bytes)) as unknown }
  } catch {
    return { bytes: bytes.length, problem: 'syntax' }
  }
}

/**
 * Reads a body to its end, also one that is too large: a sender that is still writing when the answer comes would see
 * a broken connection in place of the 413. No more than `maxBytes` is held.
 */
export function readBody(
  payload: IncomingMessage,
  maxBytes: number,
  done: (error: Error | null, body?: ReadBody) => void,
): void {
  let chunks: Buffer[] = []
  let bytes = 0
  payload.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= maxBytes) chunks.push(chunk)
    else chunks = []
  })
  payload.on('error', done)
  payload.on('end', () => {
    if (bytes > maxBytes) done(null, { bytes, problem: 'too-large' })
    else done(null, parse(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
  })
}
