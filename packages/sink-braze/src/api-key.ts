import { readFileSync, statSync } from 'node:fs'
import { env } from 'node:process'
import { systemClock, type Clock } from '@tributary/topology'
import { BrazeError } from './errors.ts'

/** A file that holds nothing but the key, or the name of an environment variable. */
export type ApiKeySource = { readonly file: string } | { readonly env: string }

/** How often a file is looked at. */
const RECHECK_MS = 2_000

export const KEY_FAULT = 'must be a text without spaces or control characters'

export function isUsableKey(key: unknown): key is string {
  return typeof key === 'string' && /^[\x21-\x7e]+$/.test(key)
}

/**
 * An API key for `brazeDestination` that can be changed while it runs. A file is read again within two seconds of a change,
 * and may be replaced by another or by a link to another, as secrets are mounted. Space around the key is cut off. A file
 * that is gone or empty for a while leaves the last key in use.
 *
 * @example
 * ```ts
 * brazeDestination({ url, apiKey: apiKeyFrom({ file: '/run/secrets/braze-api-key' }) })
 * ```
 * @throws BrazeError BRAZE_OPTION_INVALID, at once, when there is no usable key to begin with
 */
export function apiKeyFrom(
  source: ApiKeySource,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): () => string {
  const read = 'file' in source ? fileReader(source.file, clock) : () => (env[source.env] ?? '').trim()
  const first = read()
  if (!isUsableKey(first)) {
    const place = 'file' in source ? `the file ${source.file}` : `the environment variable ${source.env}`
    throw new BrazeError(
      'BRAZE_OPTION_INVALID',
      `The API key in ${place} is missing or malformed: it ${KEY_FAULT}`,
    )
  }
  let last: string = first
  return () => {
    const key = read()
    if (isUsableKey(key)) last = key
    return last
  }
}

/** Undefined when there is nothing to read. */
function fileReader(path: string, clock: Clock): () => string | undefined {
  let version: string | undefined
  let key: string | undefined
  let lookAgainMs = Number.NEGATIVE_INFINITY
  return () => {
    const nowMs = clock.monotonicMs()
    if (nowMs < lookAgainMs) return key
    lookAgainMs = nowMs + RECHECK_MS
    try {
      const { mtimeNs, ino, size } = statSync(path, { bigint: true })
      const seen = `${mtimeNs} ${ino} ${size}`
      if (seen === version) return key
      key = readFileSync(path, 'utf8').trim()
      version = seen
    } catch {
      // It is looked for again; what to do without it is the caller's matter.
      version = undefined
      key = undefined
    }
    return key
  }
}
