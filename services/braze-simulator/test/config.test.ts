import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSimulator, SimulatorConfigError } from '@tributary/braze-simulator'
import { readConfig, variableOf } from '../src/config.ts'
import { optionNames } from '../src/options.ts'

const refuses = (run: () => unknown, message: RegExp): void => {
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof SimulatorConfigError)
    assert.equal(error.code, 'SIMULATOR_CONFIG_INVALID')
    assert.match(error.message, message)
    return true
  })
}

test('the documented figures are the defaults', () => {
  const { host, options } = readConfig({ BRAZE_API_KEY: 'k' })
  assert.equal(host, '127.0.0.1')
  assert.deepEqual(options, {
    apiKey: 'k',
    burstRequests: 3_000,
    burstWindowMs: 3_000,
    hourlyRequests: undefined,
    deleteRequestsPerMinute: 20_000,
    rateLimitHeaders: 'general',
    maxObjects: 75,
    objectLimit: 'combined',
    maxBodyBytes: 4_000_000,
    errorTypes: 'prose',
    latencyMs: 0,
    reorderMs: 0,
    seed: 1,
    keepEvents: undefined,
    keepRequests: 1_000,
    keepArrivals: 100_000,
  })
})

test('each option is set by its variable', () => {
  const config = readConfig({
    BRAZE_API_KEY: 'k',
    HOST: '0.0.0.0',
    PORT: '1234',
    LOG_LEVEL: 'warn',
    SIMULATOR_BURST_REQUESTS: '10',
    SIMULATOR_BURST_WINDOW_MS: '1000',
    SIMULATOR_HOURLY_REQUESTS: '500',
    SIMULATOR_DELETE_REQUESTS_PER_MINUTE: '40',
    SIMULATOR_RATE_LIMIT_HEADERS: 'mau',
    SIMULATOR_MAX_OBJECTS: '50',
    SIMULATOR_OBJECT_LIMIT: 'per-array',
    SIMULATOR_MAX_BODY_BYTES: '1000000',
    SIMULATOR_ERROR_TYPES: 'code',
    SIMULATOR_LATENCY_MS: '20',
    SIMULATOR_REORDER_MS: '30',
    SIMULATOR_SEED: '7',
    SIMULATOR_KEEP_EVENTS: '0',
    SIMULATOR_KEEP_REQUESTS: '5',
    SIMULATOR_KEEP_ARRIVALS: '6',
  })
  assert.deepEqual(config, {
    host: '0.0.0.0',
    port: 1234,
    logLevel: 'warn',
    options: {
      apiKey: 'k',
      burstRequests: 10,
      burstWindowMs: 1_000,
      hourlyRequests: 500,
      deleteRequestsPerMinute: 40,
      rateLimitHeaders: 'mau',
      maxObjects: 50,
      objectLimit: 'per-array',
      maxBodyBytes: 1_000_000,
      errorTypes: 'code',
      latencyMs: 20,
      reorderMs: 30,
      seed: 7,
      keepEvents: 0,
      keepRequests: 5,
      keepArrivals: 6,
    },
  })
  assert.equal(new Set(optionNames.map(variableOf)).size, optionNames.length)
})

test('a value that is not allowed is refused by the name of its variable', () => {
  const key = { BRAZE_API_KEY: 'k' }
  refuses(() => readConfig({}), /^BRAZE_API_KEY is missing/)
  refuses(() => readConfig({ BRAZE_API_KEY: '' }), /^BRAZE_API_KEY is missing/)
  refuses(() => readConfig({ BRAZE_API_KEY: ' ' }), /^BRAZE_API_KEY is empty/)
  refuses(() => readConfig({ ...key, PORT: '70000' }), /^PORT is "70000"; allowed is .* 65535/)
  refuses(() => readConfig({ ...key, PORT: '80x' }), /^PORT is "80x"/)
  refuses(() => readConfig({ ...key, LOG_LEVEL: 'loud' }), /^LOG_LEVEL is "loud"; .*silent/)
  refuses(
    () => readConfig({ ...key, SIMULATOR_BURST_REQUESTS: '-1' }),
    /^SIMULATOR_BURST_REQUESTS is "-1"; allowed is a whole number from 1 to 1000000/,
  )
  refuses(() => readConfig({ ...key, SIMULATOR_MAX_OBJECTS: '1e9' }), /^SIMULATOR_MAX_OBJECTS is "1e9"/)
  refuses(
    () => readConfig({ ...key, SIMULATOR_OBJECT_LIMIT: 'each' }),
    /^SIMULATOR_OBJECT_LIMIT is "each"; allowed is one of combined, per-array/,
  )
  refuses(
    () => readConfig({ ...key, SIMULATOR_BURST_REQUEST: '5' }),
    /^SIMULATOR_BURST_REQUEST is unknown; allowed are .*SIMULATOR_BURST_REQUESTS/,
  )
  refuses(
    () => readConfig({ ...key, SIMULATOR_RATE_LIMIT_HEADERS: 'mau' }),
    /^SIMULATOR_RATE_LIMIT_HEADERS is "mau".*set SIMULATOR_HOURLY_REQUESTS too/,
  )
})

test('options are checked when a simulator is made', () => {
  refuses(() => createSimulator({ apiKey: '' }), /^option apiKey is empty/)
  refuses(
    () => createSimulator({ apiKey: 'k', burstRequests: 0.5 }),
    /^option burstRequests is 0.5; allowed is a whole number from 1/,
  )
  const misspelt = { apiKey: 'k', burstRequest: 5 }
  refuses(
    () => createSimulator(misspelt),
    /^option burstRequest is unknown; allowed are apiKey, burstRequests/,
  )
  refuses(() => createSimulator({ apiKey: 'k', rateLimitHeaders: 'mau' }), /set option hourlyRequests too/)
})
