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
