import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveOptions, type BrazeDestinationOptions } from '../src/options.ts'

const URL_AND_KEY = { url: 'https://rest.fra-01.braze.eu', apiKey: 'secret-key' }

function faultsOf(options: object): string {
  try {
    resolveOptions({ ...URL_AND_KEY, ...options } as BrazeDestinationOptions)
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'BRAZE_OPTION_INVALID')
    return (error as Error).message
  }
  return ''
}

test('the defaults are the limits on Braze’s pages', () => {
  const { limits, maxObjectsPerRequest, maxRequestBytes } = resolveOptions(URL_AND_KEY)
  assert.deepEqual(limits, {
    maxRequests: 3_000,
    windowMs: 3_000,
    maxRequestsPerHour: undefined,
    maxDeletesPerMinute: 20_000,
    handoverMs: undefined,
  })
  assert.deepEqual([maxObjectsPerRequest, maxRequestBytes], [75, 3_500_000])
})

test('every fault is named at once, with what is allowed', () => {
  const message = faultsOf({
    url: 'ftp://x',
    maxObjectsPerRequest: 0,
    limits: { windowMs: 1.5, burst: 1 },
    retries: 3,
    urgentReserve: 0.6,
  })
  for (const part of [
    'url must be an http or https URL',
    'maxObjectsPerRequest is 0; allowed: a whole number from 1 to 225',
    'limits.windowMs is 1.5',
    'limits.burst is not an option; allowed: maxRequests, windowMs, maxRequestsPerHour, maxDeletesPerMinute, handoverMs',
    'urgentReserve is 0.6; allowed: a number from 0 to 0.5',
    'retries is not an option',
  ]) {
    assert.ok(message.includes(part), `${part} in: ${message}`)
  }
})

test('a malformed key is refused without being shown, also when a function returns it', () => {
  for (const apiKey of ['', 'se cret', 'secret\n']) {
    const message = faultsOf({ apiKey })
    assert.match(message, /apiKey must be/)
    assert.equal(message.includes('cret'), false)
  }
  const { apiKey } = resolveOptions({ ...URL_AND_KEY, apiKey: () => 'sec ret' })
  assert.throws(apiKey, (error: Error) => !error.message.includes('sec'))
  assert.throws(apiKey, { code: 'BRAZE_KEY_UNUSABLE' })
  const failing = (): string => {
    throw new Error('sec ret')
  }
  assert.throws(resolveOptions({ ...URL_AND_KEY, apiKey: failing }).apiKey, {
    code: 'BRAZE_KEY_UNUSABLE',
    message: 'The function apiKey threw an error',
  })
})

test('credentials and queries in the URL are refused without being shown', () => {
  const message = faultsOf({ url: 'https://user:hidden@braze.example?key=hidden' })
  assert.match(message, /without credentials/)
  assert.equal(message.includes('hidden'), false)
})
