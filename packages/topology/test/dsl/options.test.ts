import assert from 'node:assert/strict'
import { test } from 'node:test'
import { topology } from '../../src/dsl/builder.ts'
import type { DeliverNode, EnrichNode } from '../../src/plan/node.ts'
import { streamTopic, tableTopic } from '../../src/topic.ts'
import { crm, oneStream, refusal, textStream, textTable } from '../plan/plans.ts'
import { stringSerde, testSerde } from './test-serdes.ts'

/** Calls of authors without types, whom the compiler did not stop. */
type Untyped = (...args: unknown[]) => unknown
type UntypedMethods = Readonly<Record<string, Untyped>>

function untyped(value: object): UntypedMethods {
  return value as UntypedMethods
}

/** The one node of a kind in a plan, through the compiled topology. */
function deliveryWith(options: object): DeliverNode {
  const { builder, bookings } = oneStream()
  untyped(bookings)['deliver']?.call(bookings, { destination: crm, maxBatchItems: 10, ...options })
  const [node] = builder.build().compiled.deliveries
  assert.ok(node !== undefined)
  return node
}

function enrichmentWith(options: object): EnrichNode {
  const { builder, bookings } = oneStream()
  const calls = { using: () => Promise.resolve(1), joiner: () => 1 }
  bookings.enrich({ ...calls, ...options }).foreach(() => {})
  const seen: EnrichNode[] = []
  builder.build().compiled.subTopologies[0]?.build({
    context: { topic: '', partition: 0, offset: 0, timestampMs: 0, headers: [] },
    enter: () => {},
    counts: () => ({ in: 0, out: 0, misses: 0 }),
    table: () => ({ get: () => undefined, watch: () => () => undefined }),
    sink: () => () => {},
    enrich: node => (seen.push(node), () => {}),
    deliver: () => () => {},
    park: () => ({ isWaiting: () => false, add: () => {} }),
    drop: () => {},
    missesKey: () => {},
    deadLetter: () => {},
  })
  const [node] = seen
  assert.ok(node !== undefined)
  return node
}

test('an unknown option is refused with the ones that there are', () => {
  const { builder, bookings } = oneStream()
  const customers = builder.table(textTable('customers'))
  const calls: readonly (readonly [method: string, args: readonly unknown[], allowed: RegExp])[] = [
    ['filter', [() => true], /allowed: name/],
    ['split', [{ a: () => true }], /allowed: name, default/],
    ['merge', [bookings], /allowed: name/],
    ['to', [textStream('out')], /allowed: name/],
    ['to', [{ a: textStream('out') }], /allowed: name, choose/],
    ['join', [customers], /allowed: name, joiner, missing/],
    ['leftJoin', [customers], /allowed: name, joiner/],
  ]
  for (const [method, args, allowed] of calls) {
    assert.throws(
      () =>
        untyped(bookings)[method]?.call(bookings, ...args, { nme: 'x', joiner: () => 1, choose: () => 'a' }),
      refusal(
        'TOPOLOGY_CONFIG_INVALID',
        new RegExp(`${method}\\(\\) after bookings: nme is not an option.*${allowed.source}`),
      ),
    )
  }
  assert.throws(
    () => deliveryWith({ batch: 1 }),
    refusal('TOPOLOGY_CONFIG_INVALID', /batch is not an option/),
  )
  assert.throws(
    () => enrichmentWith({ timeout: 1 }),
    refusal('TOPOLOGY_CONFIG_INVALID', /timeout is not an option/),
  )
  assert.throws(
    () => enrichmentWith({ retry: { attempts: 1 } }),
    refusal(
      'TOPOLOGY_CONFIG_INVALID',
      /option retry: attempts is not an option; allowed: maxAttempts, baseMs, maxMs/,
    ),
  )
})

test('a missing option is named', () => {
  const { builder, bookings } = oneStream()
  const activities = builder.globalTable(textTable('activities'))
  const calls: readonly (readonly [method: string, args: readonly unknown[], missing: RegExp])[] = [
    ['join', [activities, {}], /needs the option joiner and the option key/],
    ['leftJoin', [activities, { joiner: () => 1 }], /needs the option key/],
    ['enrich', [{}], /needs the option using and the option joiner/],
    ['deliver', [{ destination: crm }], /needs the option maxBatchItems/],
    ['repartition', [{}], /needs the option name/],
    ['to', [{ a: textStream('out') }, { name: 'out' }], /needs the option choose/],
  ]
  for (const [method, args, missing] of calls) {
    assert.throws(
      () => untyped(bookings)[method]?.call(bookings, ...args),
      refusal('TOPOLOGY_CONFIG_INVALID', missing),
    )
  }
})

test('what is no function, no topic, no table, no serde and no destination is refused at the call', () => {
  const { builder, bookings } = oneStream()
  const customers = builder.table(textTable('customers'))
  const calls: readonly (readonly [method: string, args: readonly unknown[], message: RegExp])[] = [
    ['filter', ['paid'], /filter\(\) after bookings takes a function, not 'paid'/],
    ['mapValues', [undefined], /takes a function, not undefined/],
    ['mapValues', [() => 1, 'name'], /options must be an object, not 'name'/],
    ['split', [[]], /needs at least one branch/],
    ['split', [{ a: 1 }], /split\(\) after bookings: branch a takes a function, not 1/],
    ['split', [null], /takes an object of predicates/],
    ['to', ['out'], /takes what streamTopic\(\) or tableTopic\(\) makes, not 'out'/],
    ['to', [{ kind: 'queue' }], /not a topic of kind 'queue'/],
    ['to', [() => 'out'], /takes what streamTopic\(\) or tableTopic\(\) makes, not a function/],
    ['to', [[textStream('out')]], /takes what streamTopic\(\) or tableTopic\(\) makes, not an array/],
    ['to', [{}, { choose: () => 'a' }], /to\(\) after bookings needs at least one topic to choose from/],
    [
      'to',
      [{ a: 'out' }, { choose: () => 'a' }],
      /to\(\) after bookings, topic 'a' takes what .* makes, not 'out'/,
    ],
    ['to', [{ a: textStream('out') }, { choose: 'a' }], /choose is 'a'; allowed: a function/],
    ['to', [streamTopic('a b', { key: stringSerde, value: stringSerde })], /its topic: the name is 'a b'/],
    [
      'to',
      [{ ...textStream('out'), value: undefined }],
      /'out' needs a serde for its key and one for its value/,
    ],
    ['join', [textTable('customers'), { joiner: () => 1 }], /takes a table or a global table/],
    ['join', [customers, { joiner: 'sum' }], /joiner is 'sum'; allowed: a function/],
    [
      'join',
      [customers, { joiner: () => 1, missing: 'park' }],
      /missing is 'park'; allowed: 'drop' \| 'dead-letter' \| \{ parkForMs, otherwise \}/,
    ],
    ['join', [customers, { joiner: () => 1, missing: {} }], /join.*: missing: needs the option parkForMs/],
    [
      'join',
      [customers, { joiner: () => 1, missing: { parkForMs: 0, otherwise: 'skip' } }],
      /: missing: parkForMs is 0; allowed: integer 1 to 2147483647; otherwise is 'skip'; allowed: 'drop' \| 'dead-letter'/,
    ],
    [
      'leftJoin',
      [customers, { joiner: () => 1, missing: 'drop' }],
      /missing is 'drop'; allowed: \{ parkForMs \}/,
    ],
    [
      'leftJoin',
      [customers, { joiner: () => 1, missing: { parkForMs: 1, otherwise: 'drop' } }],
      /otherwise is not an option; allowed: parkForMs/,
    ],
    ['repartition', [{ name: 'x', key: 'string' }], /key is 'string'; allowed: a serde/],
    ['deliver', [{ destination: {}, maxBatchItems: 1 }], /destination is an object; allowed: a destination/],
  ]
  for (const [method, args, message] of calls) {
    assert.throws(
      () => untyped(bookings)[method]?.call(bookings, ...args),
      refusal('TOPOLOGY_CONFIG_INVALID', message),
    )
  }
  assert.throws(
    () => untyped(builder)['stream']?.call(builder, textTable('rows')),
    refusal('TOPOLOGY_CONFIG_INVALID', /takes what streamTopic\(\) makes, not a topic of kind 'table'/),
  )
})

test('numbers out of range are refused with the range', () => {
  const cases: readonly (readonly [options: object, message: RegExp])[] = [
    [{ maxBatchItems: 0 }, /maxBatchItems is 0; allowed: integer 1 to 1000000/],
    [{ maxBatchItems: 2.5 }, /maxBatchItems is 2.5/],
    [{ lingerMs: -1 }, /lingerMs is -1; allowed: integer 0 to 2147483647/],
    [{ lingerMs: 2 ** 31 }, /lingerMs is 2147483648/],
    [{ timeoutMs: 0 }, /timeoutMs is 0/],
    [{ maxInFlight: '4' }, /maxInFlight is '4'/],
    [{ retry: { maxAttempts: 0 } }, /maxAttempts is 0; allowed: integer from 1, or Infinity/],
    [{ retry: { baseMs: 200, maxMs: 100 } }, /baseMs is 200, more than maxMs, 100/],
    [{ maxBatchBytes: 1_000 }, /maxBatchBytes needs the option sizeOf/],
    [{ maxPending: 9 }, /maxPending is 9, less than maxBatchItems, 10/],
  ]
  for (const [options, message] of cases) {
    assert.throws(() => deliveryWith(options), refusal('TOPOLOGY_CONFIG_INVALID', message))
  }
  assert.throws(
    () => enrichmentWith({ maxInFlight: 0 }),
    refusal('TOPOLOGY_CONFIG_INVALID', /maxInFlight is 0; allowed: integer 1 to 100000/),
  )
  assert.throws(
    () => enrichmentWith({ onFailure: { fallbck: 1 } }),
    refusal(
      'TOPOLOGY_CONFIG_INVALID',
      /onFailure is an object; allowed: 'dead-letter' \| 'drop' \| 'fail' \| \{ fallback \}/,
    ),
  )
})

test('what is left out of a delivery gets its default', () => {
  const { id: _id, input: _input, ...node } = deliveryWith({})
  assert.deepEqual(node, {
    kind: 'deliver',
    memory: undefined,
    isUrgent: undefined,
    name: 'bookings.deliver-1',
    destination: crm,
    laneKey: undefined,
    sizeOf: undefined,
    maxBatchItems: 10,
    maxBatchBytes: Infinity,
    lingerMs: 100,
    maxInFlight: 4,
    maxPending: 320,
    timeoutMs: 30_000,
    retry: { maxAttempts: Infinity, baseMs: 100, maxMs: 30_000 },
  })
})

test('what is given to a delivery is kept', () => {
  const options = {
    laneKey: () => 'lane',
    sizeOf: () => 1,
    maxBatchItems: 75,
    maxBatchBytes: 4_000_000,
    lingerMs: 0,
    maxInFlight: 2,
    maxPending: 75,
    timeoutMs: 5,
  }
  const node = deliveryWith({ ...options, name: 'crm', retry: { maxAttempts: 3 } })
  assert.equal(node.name, 'crm')
  assert.deepEqual({ ...node, ...options }, node)
  assert.deepEqual(node.retry, { maxAttempts: 3, baseMs: 100, maxMs: 30_000 })
})

test('what is left out of an enrichment gets its default, and what is given is kept', () => {
  const { order, maxInFlight, timeoutMs, retry, onFailure } = enrichmentWith({})
  assert.deepEqual([order, maxInFlight, timeoutMs, onFailure], ['per-key', 32, 10_000, 'dead-letter'])
  assert.deepEqual(retry, { maxAttempts: Infinity, baseMs: 100, maxMs: 30_000 })
  const given = { order: 'unordered', maxInFlight: 1, timeoutMs: 7, onFailure: { fallback: undefined } }
  const node = enrichmentWith({ ...given, retry: { baseMs: 1 } })
  assert.deepEqual({ ...node, ...given }, node)
  assert.equal(node.retry.baseMs, 1)
})

test('a topic is read in one role and with one description', () => {
  const { builder } = oneStream()
  const again: readonly (readonly [read: () => unknown, message: RegExp])[] = [
    [
      () => builder.stream(streamTopic('bookings', { key: stringSerde, value: testSerde('json') })),
      /two value serdes/,
    ],
    [
      () => builder.stream(streamTopic('bookings', { key: testSerde('json'), value: stringSerde })),
      /two key serdes/,
    ],
    [() => builder.table(textTable('bookings')), /as a stream topic and as a table topic/],
    [
      () => builder.stream(textStream('bookings'), { offsetReset: 'latest' }),
      /offsetReset earliest .* offsetReset latest/,
    ],
    [() => builder.stream(textStream('bookings'), { name: 'other' }), /once as bookings and once as other/],
  ]
  for (const [read, message] of again) {
    assert.throws(read, refusal('TOPOLOGY_PLAN_INVALID', message))
  }
  const customers = textTable('customers')
  builder.table(customers)
  assert.throws(
    () => builder.globalTable(customers),
    refusal('TOPOLOGY_PLAN_INVALID', /'customers' once with table\(\) and once with globalTable\(\)/),
  )
})

test('a table that is read twice is one table', () => {
  const { builder, bookings } = oneStream()
  const topic = tableTopic('customers', { key: stringSerde, value: stringSerde })
  for (const method of ['table', 'table'] as const) {
    bookings.join(builder[method](topic), { joiner: value => value }).foreach(() => {})
  }
  assert.equal(builder.build().compiled.subTopologies[0]?.tables.length, 1)
})

test('an offset reset is earliest, latest or a duration', () => {
  const builder = topology('app')
  for (const offsetReset of ['none', {}, { durationMs: -1 }, { durationMs: 1, more: 1 }]) {
    assert.throws(
      () => untyped(builder)['stream']?.call(builder, textStream('bookings'), { offsetReset }),
      refusal(
        'TOPOLOGY_CONFIG_INVALID',
        /offsetReset is .*allowed: 'earliest' \| 'latest' \| \{ durationMs \}/,
      ),
    )
  }
})

test('streams and tables of two builders do not meet', () => {
  const { bookings } = oneStream()
  const other = topology('other')
  assert.throws(
    () => bookings.merge(other.stream(textStream('wishes'))),
    refusal(
      'TOPOLOGY_PLAN_INVALID',
      /merge\(\) after bookings: the other side was not made by the builder of app/,
    ),
  )
  assert.throws(
    () => bookings.join(other.table(textTable('customers')), { joiner: value => value }),
    refusal('TOPOLOGY_PLAN_INVALID', /the builder of app/),
  )
})

test('branch names that would lose their order, or meet, are refused', () => {
  const { bookings } = oneStream()
  assert.throws(
    () => bookings.split({ b: () => true, 1: () => true }),
    refusal(
      'TOPOLOGY_CONFIG_INVALID',
      /a branch cannot be called 1, because JavaScript does not keep its place/,
    ),
  )
  assert.throws(
    () => bookings.split({ a: () => true }, { default: 'a' }),
    refusal('TOPOLOGY_CONFIG_INVALID', /the default branch a has the name of another branch/),
  )
})

test('a refused call leaves no step behind', () => {
  const { builder, bookings } = oneStream()
  assert.throws(() => bookings.filter(() => true, { name: 'a b' }))
  assert.throws(() => bookings.split({ a: () => true, 'b c': () => true }))
  bookings.filter(() => true).foreach(() => {})
  assert.deepEqual(
    builder
      .build()
      .toJSON()
      .subTopologies[0]?.steps.map(step => step.name),
    ['bookings.filter-1', 'bookings.foreach-1'],
  )
})

test('a repartition inherits the serdes that no step has changed, and asks for the others', () => {
  const { builder, bookings } = oneStream()
  const kept = bookings.filter(() => true).peek(() => {})
  kept.repartition({ name: 'kept' }).foreach(() => {})
  bookings
    .selectKey(value => value)
    .repartition({ name: 'rekeyed', key: testSerde<string>('json') })
    .foreach(() => {})
  const serdes = builder
    .build()
    .compiled.subTopologies.flatMap(part => part.sources)
    .filter(source => source.isRepartition)
    .map(source => [source.key.name, source.value.name])
  assert.deepEqual(serdes, [
    ['string', 'string'],
    ['json', 'string'],
  ])
  assert.throws(
    () => bookings.selectKey(value => value).repartition({ name: 'x' }),
    refusal('TOPOLOGY_CONFIG_INVALID', /needs the option key, a serde: a step before it has made a new key/),
  )
  assert.throws(
    () => bookings.mapValues(value => value.length).repartition({ name: 'x' }),
    refusal('TOPOLOGY_CONFIG_INVALID', /needs the option value, a serde/),
  )
  assert.throws(
    () => bookings.merge(bookings.mapValues(value => value)).repartition({ name: 'x' }),
    refusal('TOPOLOGY_CONFIG_INVALID', /needs the option value/),
  )
})

test('a build is a picture of its moment: later steps do not reach into it', () => {
  const { builder, bookings } = oneStream()
  bookings.foreach(() => {})
  const before = builder.build()
  const text = before.describe()
  bookings.to(textStream('out'))
  assert.equal(before.describe(), text)
  assert.notEqual(builder.build().describe(), text)
})
