import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../src/config.ts'

const MINIMUM = {
  KAFKA_BROKERS: 'kafka:9092',
  SCHEMA_REGISTRY_URL: 'http://registry',
  BRAZE_URL: 'https://rest.fra-01.braze.eu',
  BRAZE_API_KEY: 'hidden-key',
}

test('the limits are those of contracts by data points where the environment does not say otherwise', () => {
  assert.deepEqual(readConfig(MINIMUM), {
    kafkaBrokers: ['kafka:9092'],
    schemaRegistryUrl: 'http://registry',
    host: '127.0.0.1',
    port: 8_080,
    logLevel: 'info',
    groupProtocol: 'consumer',
    instanceId: undefined,
    guarantee: 'at-least-once',
    objective: 0.9995,
    dogStatsD: undefined,
    cluster: 'kafka',
    brazeUrl: 'https://rest.fra-01.braze.eu',
    brazeKey: { text: 'hidden-key' },
    limits: {
      maxRequests: 3_000,
      windowMs: 3_000,
      maxRequestsPerHour: undefined,
      maxDeletesPerMinute: 20_000,
      handoverMs: undefined,
    },
    objectLimit: 'combined',
    maxObjectsPerRequest: 75,
    maxRequestBytes: 3_500_000,
    lingerMs: 200,
    maxInFlight: 8,
    requestTimeoutMs: 10_000,
    commitIntervalMs: 200,
    urgentReserve: 0.1,
    userGapMs: 0,
    probeBaseMs: 5_000,
    probeMaxMs: 60_000,
    rules: {},
    suppressUnchanged: true,
    fullRefreshAfterMs: 604_800_000,
    rememberedEvents: 0,
    memoryTopic: 'braze-sink-memory',
    tombstones: 'ignore',
  })
})

test('what the environment says is taken over', () => {
  const { limits, rules, fullRefreshAfterMs, tombstones, suppressUnchanged, urgentReserve } = readConfig({
    ...MINIMUM,
    BRAZE_MAX_REQUESTS_PER_HOUR: '250000',
    BRAZE_HANDOVER_MS: '0',
    BRAZE_RULES: 'event-name=reject, property-text-length=truncate,',
    BRAZE_FULL_REFRESH_AFTER_MS: 'never',
    BRAZE_TOMBSTONES: 'delete-user',
    BRAZE_SUPPRESS_UNCHANGED: 'off',
    BRAZE_URGENT_RESERVE: '0.25',
  })
  assert.equal(limits.maxRequestsPerHour, 250_000)
  assert.equal(limits.handoverMs, 0)
  assert.deepEqual(rules, { 'event-name': 'reject', 'property-text-length': 'truncate' })
  assert.equal(fullRefreshAfterMs, null)
  assert.equal(tombstones, 'delete-user')
  assert.equal(suppressUnchanged, false)
  assert.equal(urgentReserve, 0.25)
})

test('a key comes from one place; a dry run needs none', () => {
  const { BRAZE_API_KEY, ...keyless } = MINIMUM
  assert.deepEqual(readConfig({ ...keyless, BRAZE_API_KEY_FILE: '/run/secrets/key' }).brazeKey, {
    file: '/run/secrets/key',
  })
  assert.throws(
    () => readConfig({ ...MINIMUM, BRAZE_API_KEY_FILE: '/run/secrets/key' }),
    /exclude each other/,
  )
  assert.throws(() => readConfig(keyless), /BRAZE_API_KEY_FILE \(or BRAZE_API_KEY\) is missing/)
  assert.equal(readConfig(keyless, { needsKey: false }).brazeKey, undefined)
  assert.equal(BRAZE_API_KEY, 'hidden-key')
})

test('every fault of the environment is named at once, and the key is never shown', () => {
  const env = {
    ...MINIMUM,
    BRAZE_URL: '',
    BRAZE_MAX_REQUESTS_PER_WINDOW: '0',
    BRAZE_LINGER: '5',
    BRAZE_OBJECT_LIMIT: 'each',
    BRAZE_URGENT_RESERVE: '0.6',
    BRAZE_FULL_REFRESH_AFTER_MS: 'always',
    BRAZE_RULES: 'no-such-rule=reject,event-name=truncat,event-name',
    BRAZE_TOMBSTONES: 'null-attributes',
    BRAZE_SUPPRESS_UNCHANGED: 'off',
    BRAZE_PROBE_BASE_MS: '90000',
    PORT: 'web',
  }
  assert.throws(
    () => readConfig(env),
    ({ message }: Error) => {
      for (const part of [
        'BRAZE_URL is missing',
        "BRAZE_MAX_REQUESTS_PER_WINDOW is '0'; allowed: 1 to",
        'BRAZE_LINGER is unknown; allowed: BRAZE_URL',
        "BRAZE_OBJECT_LIMIT is 'each'; allowed: combined, per-array",
        "BRAZE_URGENT_RESERVE is '0.6'; allowed: 0 to 0.5",
        "BRAZE_FULL_REFRESH_AFTER_MS is 'always'; allowed: 0 to",
        "BRAZE_RULES has 'no-such-rule=reject', which names no rule; there are ",
        "BRAZE_RULES has 'event-name=truncat'; allowed for event-name: event-name=reject",
        "BRAZE_RULES has 'event-name'; allowed for",
        'BRAZE_TOMBSTONES=null-attributes needs BRAZE_SUPPRESS_UNCHANGED=on',
        'BRAZE_PROBE_MAX_MS, 60000, is less than BRAZE_PROBE_BASE_MS, 90000',
        "PORT is 'web'",
      ]) {
        assert.ok(message.includes(part), `${part} in: ${message}`)
      }
      return !message.includes('hidden-key')
    },
  )
})
