import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../src/config.ts'

const MINIMUM = {
  KAFKA_BROKERS: 'kafka:9092',
  SCHEMA_REGISTRY_URL: 'http://registry',
  BRAZE_URL: 'https://rest.fra-01.braze.eu',
  BRAZE_API_KEY: 'hidden-key',
}

test('the limits are Braze’s where the environment does not say otherwise', () => {
  const { maxRequestsPerWindow, maxRequestsPerHour, lingerMs, maxInFlight, requestTimeoutMs } =
    readConfig(MINIMUM)
  assert.deepEqual(
    { maxRequestsPerWindow, maxRequestsPerHour, lingerMs, maxInFlight, requestTimeoutMs },
    {
      maxRequestsPerWindow: 3_000,
      maxRequestsPerHour: undefined,
      lingerMs: 200,
      maxInFlight: 8,
      requestTimeoutMs: 10_000,
    },
  )
  assert.equal(readConfig({ ...MINIMUM, BRAZE_MAX_REQUESTS_PER_HOUR: '250000' }).maxRequestsPerHour, 250_000)
})

test('every fault of the environment is named at once, and the key is never shown', () => {
  const env = {
    ...MINIMUM,
    BRAZE_URL: '',
    BRAZE_MAX_REQUESTS_PER_WINDOW: '0',
    BRAZE_LINGER: '5',
    PORT: 'web',
  }
  assert.throws(
    () => readConfig(env),
    ({ message }: Error) => {
      for (const part of [
        'BRAZE_URL is missing',
        "BRAZE_MAX_REQUESTS_PER_WINDOW is '0'; allowed: 1 to",
        'BRAZE_LINGER is unknown; allowed: BRAZE_URL',
        "PORT is 'web'",
      ]) {
        assert.ok(message.includes(part), `${part} in: ${message}`)
      }
      return !message.includes('hidden-key')
    },
  )
})
