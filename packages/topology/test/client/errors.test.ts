import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AuthenticationError, NetworkError, TimeoutError, UserError } from '@platformatic/kafka'
import { createKafkaClient } from '../../src/client/platformatic/kafka-client.ts'
import { brokerError, translateError } from '../../src/client/platformatic/errors.ts'
import { TopologyError } from '../../src/errors.ts'

test("a broker's error codes become the documented codes and advice", () => {
  const cases = [
    [1, 'TOPOLOGY_OFFSET_OUT_OF_RANGE', 'never'],
    [3, 'TOPOLOGY_TOPIC_MISSING', 'backoff'],
    [6, 'TOPOLOGY_BROKER_ERROR', 'backoff'],
    [10, 'TOPOLOGY_RECORD_TOO_LARGE', 'never'],
    [14, 'TOPOLOGY_BROKER_ERROR', 'backoff'],
    [18, 'TOPOLOGY_RECORD_TOO_LARGE', 'never'],
    [22, 'TOPOLOGY_MEMBER_FENCED', 'never'],
    [25, 'TOPOLOGY_MEMBER_FENCED', 'never'],
    [27, 'TOPOLOGY_MEMBER_FENCED', 'never'],
    [29, 'TOPOLOGY_AUTHORIZATION_FAILED', 'never'],
    [30, 'TOPOLOGY_AUTHORIZATION_FAILED', 'never'],
    [45, 'TOPOLOGY_BROKER_ERROR', 'backoff'],
    [47, 'TOPOLOGY_PRODUCER_FENCED', 'never'],
    [87, 'TOPOLOGY_BROKER_ERROR', 'never'],
    [90, 'TOPOLOGY_PRODUCER_FENCED', 'never'],
    [110, 'TOPOLOGY_MEMBER_FENCED', 'never'],
    [111, 'TOPOLOGY_BROKER_ERROR', 'backoff'],
    [113, 'TOPOLOGY_MEMBER_FENCED', 'never'],
    [31_000, 'TOPOLOGY_BROKER_ERROR', 'never'],
  ] as const
  for (const [code, expected, retry] of cases) {
    const error = brokerError(code, 'Producing to orders-3')
    assert.deepEqual([error.code, error.retry.kind], [expected, retry], String(code))
    assert.match(error.message, new RegExp(`^Producing to orders-3: .*\\(${code}\\)`))
  }
  assert.match(brokerError(87, 'Producing', 'it has no key').message, /INVALID_RECORD \(87\), it has no key$/)
})

test("the client's own errors are told apart by class, causes included, and never by code or text", () => {
  const codeOf = (error: unknown): unknown[] => {
    const { code, retry, cause } = translateError(error, 'Fetching')
    assert.equal(cause, error)
    return [code, retry.kind]
  }
  assert.deepEqual(codeOf(new NetworkError('reset')), ['TOPOLOGY_BROKER_UNAVAILABLE', 'backoff'])
  const timeout = new TimeoutError('timed out')
  assert.notEqual(timeout.code, TimeoutError.code, 'its code is that of a network error')
  assert.deepEqual(codeOf(timeout), ['TOPOLOGY_BROKER_UNAVAILABLE', 'backoff'])
  assert.deepEqual(codeOf(new AuthenticationError('no')), ['TOPOLOGY_AUTHORIZATION_FAILED', 'never'])
  const refused = new NetworkError('failed', {
    cause: new AuthenticationError('SASL authentication failed.'),
  })
  assert.deepEqual(codeOf(refused), ['TOPOLOGY_AUTHORIZATION_FAILED', 'never'])
  const plaintext = new NetworkError('failed', { cause: new UserError('Broker requires TLS.') })
  assert.deepEqual(codeOf(plaintext), ['TOPOLOGY_CONFIG_INVALID', 'never'])
  assert.deepEqual(codeOf(new Error('parse')), ['TOPOLOGY_BROKER_ERROR', 'backoff'])
  assert.deepEqual(codeOf('a string'), ['TOPOLOGY_BROKER_ERROR', 'never'])
  const own = new TopologyError('TOPOLOGY_CLOSED', 'closed')
  assert.equal(translateError(own, 'Fetching'), own)
})

test('a client that cannot be set up says which option and what is allowed', () => {
  const refuses = (options: Partial<Parameters<typeof createKafkaClient>[0]>, text: RegExp): void => {
    assert.throws(
      () => createKafkaClient({ brokers: ['localhost:9092'], clientId: 'test', ...options }),
      (error: unknown) =>
        TopologyError.is(error) && error.code === 'TOPOLOGY_CONFIG_INVALID' && text.test(error.message),
    )
  }
  refuses({ brokers: [] }, /brokers is empty/)
  for (const broker of [
    'localhost',
    'localhost:',
    ':9092',
    'http://a:1',
    'a:0',
    'a:70000',
    '[::1]',
    'a b:1',
    '',
  ])
    refuses({ brokers: ['localhost:9092', broker] }, /is not host:port/)
  refuses({ clientId: '' }, /clientId is empty/)
  refuses({ requestTimeoutMs: 0 }, /requestTimeoutMs is 0/)
  refuses({ operationTimeoutMs: 2 ** 31 }, /operationTimeoutMs/)
  for (const brokers of [['localhost:9092'], ['[::1]:9092', 'kafka-1.example.com:19092']])
    assert.ok(createKafkaClient({ brokers, clientId: 'test' }))
})

test('without a broker an operation is tried for its time and then fails as unavailable', async t => {
  const told: string[] = []
  const tell = (_facts: object, message: string): void => void told.push(message)
  const client = createKafkaClient({
    brokers: ['127.0.0.1:1'],
    clientId: 'test',
    operationTimeoutMs: 300,
    logger: { debug: tell, info: tell, warn: tell },
  })
  t.after(() => client.close())
  await assert.rejects(
    client.admin.describeTopics(['orders']),
    (error: unknown) =>
      TopologyError.is(error) &&
      error.code === 'TOPOLOGY_BROKER_UNAVAILABLE' &&
      error.retry.kind === 'backoff',
  )
  assert.ok(told.length > 0)
})
