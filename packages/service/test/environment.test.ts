import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Environment } from '@tributary/service'

const complete = { KAFKA_BROKERS: 'a:9092,b:9092', SCHEMA_REGISTRY_URL: 'http://registry' }

test('a complete environment is read, with defaults for the rest', () => {
  const environment = new Environment('demo', complete)
  assert.deepEqual(environment.common(), {
    kafkaBrokers: ['a:9092', 'b:9092'],
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
  })
  environment.check()
})

test('every fault is told at once, with what is allowed', () => {
  const environment = new Environment('demo', {
    KAFKA_BROKERS: '',
    PORT: '99999',
    LOG_LEVEL: 'loud',
    BRAZE_LINGERMS: '1',
  })
  environment.common()
  environment.refuseUnknown('BRAZE_', ['BRAZE_LINGER_MS'])
  assert.throws(() => environment.check(), {
    message: [
      'demo cannot start: KAFKA_BROKERS is missing: host:port of some brokers, separated by commas',
      'SCHEMA_REGISTRY_URL is missing: the URL of a Confluent-compatible registry',
      "PORT is '99999'; allowed: 0 to 65535",
      "LOG_LEVEL is 'loud'; allowed: fatal, error, warn, info, debug, trace, silent",
      'BRAZE_LINGERMS is unknown; allowed: BRAZE_LINGER_MS',
    ].join('; '),
  })
})

test('numbers are whole unless a variable takes fractions, and a service adds faults of its own', () => {
  const environment = new Environment('demo', {
    SHARE: '0.25',
    WHOLE: '0.25',
    NONE: '',
    SIGN: '-1',
    WORD: '1e3',
  })
  const rule = { fallback: 0.5, min: 0, max: 1_000 }
  assert.equal(environment.fraction('SHARE', rule), 0.25)
  assert.equal(environment.fraction('NONE', rule), 0.5)
  assert.equal(environment.integer('WHOLE', rule), 0.5)
  environment.fraction('SIGN', rule)
  environment.fraction('WORD', rule)
  environment.fault('SHARE and WHOLE exclude each other')
  assert.throws(() => environment.check(), {
    message: [
      "demo cannot start: WHOLE is '0.25'; allowed: 0 to 1000",
      "SIGN is '-1'; allowed: 0 to 1000",
      "WORD is '1e3'; allowed: 0 to 1000",
      'SHARE and WHOLE exclude each other',
    ].join('; '),
  })
})

test('the address of DogStatsD has a port of its own, or the usual one', () => {
  const read = (text: string) => {
    const environment = new Environment('demo', { ...complete, DOGSTATSD_ADDRESS: text })
    const { dogStatsD } = environment.common()
    environment.check()
    return dogStatsD
  }
  assert.deepEqual(read('agent'), { host: 'agent', port: 8_125 })
  assert.deepEqual(read('10.0.0.1:9125'), { host: '10.0.0.1', port: 9_125 })
  assert.deepEqual(read('[::1]:9125'), { host: '::1', port: 9_125 })
  for (const text of ['agent:', 'agent:99999', 'udp://agent', 'a b', 'agent:0'])
    assert.throws(() => read(text), {
      message: `demo cannot start: DOGSTATSD_ADDRESS is '${text}'; allowed: host or host:port`,
    })
})
