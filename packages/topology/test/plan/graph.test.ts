import assert from 'node:assert/strict'
import { test } from 'node:test'
import { topology } from '../../src/dsl/builder.ts'
import type { KStream } from '../../src/dsl/stream.ts'
import { analyse } from '../../src/plan/graph.ts'
import type { Plan } from '../../src/plan/node.ts'
import { streamTopic } from '../../src/topic.ts'
import { stringSerde, testSerde } from '../dsl/test-serdes.ts'
import { oneStream, refusal, showcase, textStream, textTable } from './plans.ts'

const joiner = (value: string, row: string): string => value + row

test('a step that changes the key before a partitioned join demands a repartition, and the message names all three', () => {
  const changes: Readonly<Record<string, (stream: KStream<string, string>) => KStream<string, string>>> = {
    'map-1': stream => stream.map(value => ({ key: value, value })),
    'flatMap-1': stream => stream.flatMap(value => [{ key: value, value }]),
    'selectKey-1': stream => stream.selectKey(value => value),
  }
  for (const [name, change] of Object.entries(changes)) {
    for (const method of ['join', 'leftJoin'] as const) {
      const { builder, bookings } = oneStream()
      const changed = change(bookings).filter(() => true)
      const customers = builder.table(textTable('customers'))
      if (method === 'join') changed.join(customers, { joiner }).foreach(() => {})
      else changed.leftJoin(customers, { joiner: value => value }).foreach(() => {})
      assert.throws(
        () => builder.build(),
        refusal(
          'TOPOLOGY_REPARTITION_REQUIRED',
          new RegExp(
            `bookings.${name} changes the key before bookings.${method}-1 .* customers.* repartition\\(`,
          ),
        ),
      )
    }
  }
})

test('a changed key is seen through merges, splits and earlier joins', () => {
  const { builder, bookings } = oneStream()
  const customers = builder.table(textTable('customers'))
  const rekeyed = builder.stream(textStream('wishes')).selectKey(value => value)
  const activities = builder.globalTable(textTable('activities'))
  const { some } = bookings
    .merge(rekeyed)
    .join(activities, { key: value => value, joiner })
    .split({ some: () => true })
  some.join(customers, { joiner }).foreach(() => {})
  assert.throws(() => builder.build(), refusal('TOPOLOGY_REPARTITION_REQUIRED', /wishes.selectKey-1/))
})

test('a repartition between the two, or a global table, is enough', () => {
  const { builder, bookings } = oneStream()
  const rekeyed = bookings.selectKey(value => value)
  rekeyed
    .repartition({ name: 'by-value', key: stringSerde })
    .join(builder.table(textTable('customers')), { joiner })
    .foreach(() => {})
  rekeyed
    .join(builder.globalTable(textTable('activities')), { key: value => value, joiner })
    .foreach(() => {})
  assert.equal(builder.build().compiled.subTopologies.length, 2)
})

test('a key that changes behind the join does not matter', () => {
  const { builder, bookings } = oneStream()
  bookings
    .join(builder.table(textTable('customers')), { joiner })
    .selectKey(value => value)
    .to(textStream('out'))
  builder.build()
})

test('a table whose keys are written otherwise than the stream’s is refused: equal keys would lie apart', () => {
  const builder = topology('app')
  const bookings = builder.stream(
    streamTopic('bookings', { key: testSerde<string>('avro:string'), value: stringSerde }),
  )
  bookings.join(builder.table(textTable('customers')), { joiner }).foreach(() => {})
  assert.throws(
    () => builder.build(),
    refusal(
      'TOPOLOGY_PLAN_INVALID',
      /bookings.join-1 joins records of bookings, .* written as avro:string, .* customers, .* written as string/,
    ),
  )
})

test('a repartition is checked by its own key serde', () => {
  const { builder, bookings } = oneStream()
  bookings
    .repartition({ name: 'again', key: testSerde<string>('avro:string') })
    .join(builder.table(textTable('customers')), { joiner })
    .foreach(() => {})
  assert.throws(() => builder.build(), refusal('TOPOLOGY_PLAN_INVALID', /records of again, .*avro:string/))
})

test('a topology without a stream is refused', () => {
  const builder = topology('app')
  assert.throws(() => builder.build(), refusal('TOPOLOGY_PLAN_INVALID', /app reads no stream/))
})

test('what leads nowhere is refused by name', () => {
  const dangling: Readonly<Record<string, (stream: KStream<string, string>) => unknown>> = {
    bookings: () => {},
    'bookings.filter-1': stream => stream.filter(() => true),
    'bookings.mapValues-1': stream => stream.mapValues(value => value),
    'bookings.merge-1': stream => stream.merge(stream),
    'bookings.enrich-1': stream => stream.enrich({ using: () => Promise.resolve(1), joiner: () => 1 }),
    again: stream => stream.repartition({ name: 'again' }),
  }
  for (const [name, add] of Object.entries(dangling)) {
    const { builder, bookings } = oneStream()
    add(bookings)
    assert.throws(
      () => builder.build(),
      refusal('TOPOLOGY_PLAN_INVALID', new RegExp(`nothing takes what comes out of ${name}:`)),
    )
  }
})

test('a stream may end in a peek or in a branch', () => {
  const { builder, bookings } = oneStream()
  bookings.split({ some: () => true }, { default: 'rest' })
  bookings.peek(() => {})
  builder.build()
})

test('a table that no join uses is refused: it would be loaded for nothing', () => {
  for (const method of ['table', 'globalTable'] as const) {
    const { builder, bookings } = oneStream()
    bookings.foreach(() => {})
    builder[method](textTable('customers'))
    assert.throws(() => builder.build(), refusal('TOPOLOGY_PLAN_INVALID', /no join uses the table customers/))
  }
})

test('a topic that is described twice is refused, whatever the difference', () => {
  const { builder, bookings } = oneStream()
  bookings.to(textStream('out'))
  bookings.to(streamTopic('out', { key: stringSerde, value: testSerde<string>('json') }))
  assert.throws(
    () => builder.build(),
    refusal('TOPOLOGY_PLAN_INVALID', /'out' twice, with two value serdes, string and json/),
  )
})

test('the topics that a step chooses from, and that of a repartition, count as described, too', () => {
  const json = testSerde<string>('json')
  const cases: readonly (readonly [topic: string, use: (stream: KStream<string, string>) => void])[] = [
    ['out', stream => stream.to({ a: textStream('out') }, { choose: () => 'a' })],
    [
      'out',
      stream =>
        stream.to(
          { a: streamTopic('out', { key: stringSerde, value: json }), b: textStream('other') },
          { choose: () => 'b' },
        ),
    ],
    ['app-again-repartition', stream => stream.repartition({ name: 'again' }).foreach(() => {})],
  ]
  for (const [index, [topic, use]] of cases.entries()) {
    const { builder, bookings } = oneStream()
    bookings.to(streamTopic(topic, { key: stringSerde, value: index === 1 ? stringSerde : json }))
    use(bookings)
    assert.throws(
      () => builder.build(),
      refusal('TOPOLOGY_PLAN_INVALID', new RegExp(`'${topic}' twice, with two value serdes`)),
    )
  }
})

test('a table topic may be written by the topology that reads it, but not as a topic of events', () => {
  const customers = textTable('customers')
  const write = (target: typeof customers | ReturnType<typeof textStream>) => {
    const { builder, bookings } = oneStream()
    bookings.join(builder.table(customers), { joiner }).to(target)
    return () => builder.build()
  }
  write(customers)()
  assert.throws(
    write(textStream('customers')),
    refusal('TOPOLOGY_PLAN_INVALID', /as a table topic and as a stream topic/),
  )
})

test('a name that a table’s or a repartition’s source has is taken', () => {
  const { builder, bookings } = oneStream()
  bookings
    .filter(() => true, { name: 'customers-source' })
    .join(builder.table(textTable('customers')), { joiner })
    .foreach(() => {})
  assert.throws(() => builder.build(), refusal('TOPOLOGY_PLAN_INVALID', /two steps named customers-source/))
})

test('a plan that joins a stream as if it were a table is refused', () => {
  const nodes: Plan['nodes'] = [
    { id: 0, name: 'bookings', kind: 'source', topic: textStream('bookings'), offsetReset: 'earliest' },
    { id: 1, name: 'wishes', kind: 'source', topic: textStream('wishes'), offsetReset: 'earliest' },
    {
      id: 2,
      name: 'joined',
      kind: 'join',
      input: 0,
      table: 1,
      outer: 'inner',
      keyMapper: undefined,
      missing: 'drop',
      parkForMs: undefined,
      joiner: () => 1,
    },
    { id: 3, name: 'end', kind: 'foreach', input: 2, action: () => {} },
    { id: 4, name: 'end-2', kind: 'foreach', input: 1, action: () => {} },
  ]
  assert.throws(
    () => analyse({ name: 'app', nodes }),
    refusal('TOPOLOGY_PLAN_INVALID', /joined joins wishes, which is no table/),
  )
})

test('sub-topologies are cut at a repartition; a partitioned table goes with its joins, a global one with none', () => {
  const { subTopologies, globalTables } = showcase().compiled
  const parts = subTopologies.map(({ sources, tables, sinks }) => ({
    sources: sources.map(source => source.topic),
    tables: tables.map(table => table.topic),
    sinks: sinks.map(sink => sink.topic),
  }))
  assert.deepEqual(parts, [
    {
      sources: ['bookings'],
      tables: ['customers'],
      sinks: ['marketing', 'app-by-value-repartition', 'german', 'other', 'german'],
    },
    { sources: ['app-by-value-repartition', 'wishes'], tables: [], sinks: [] },
  ])
  assert.deepEqual(
    globalTables.map(({ topic, scope }) => ({ topic, scope })),
    [{ topic: 'activities', scope: 'global' }],
  )
})

test('streams that share a partitioned table share a sub-topology; a shared global table does not bind them', () => {
  const share = (scope: 'table' | 'globalTable'): number => {
    const { builder, bookings } = oneStream()
    const wishes = builder.stream(textStream('wishes'))
    if (scope === 'table') {
      const table = builder.table(textTable('customers'))
      for (const stream of [bookings, wishes]) stream.join(table, { joiner }).foreach(() => {})
    } else {
      const table = builder.globalTable(textTable('customers'))
      for (const stream of [bookings, wishes])
        stream.join(table, { key: value => value, joiner }).foreach(() => {})
    }
    return builder.build().compiled.subTopologies.length
  }
  assert.equal(share('table'), 1)
  assert.equal(share('globalTable'), 2)
})

test('a repartition that meets its own origin again stays in one sub-topology', () => {
  const { builder, bookings } = oneStream()
  bookings.merge(bookings.repartition({ name: 'again' })).foreach(() => {})
  const { subTopologies, repartitions } = builder.build().compiled
  assert.deepEqual(
    subTopologies.map(({ sources, sinks }) => [
      sources.map(({ topic }) => topic),
      sinks.map(({ topic }) => topic),
    ]),
    [[['bookings', 'app-again-repartition'], ['app-again-repartition']]],
  )
  assert.deepEqual(repartitions, [
    { node: repartitions[0]?.node, topic: 'app-again-repartition', partitions: undefined, writer: 0 },
  ])
})
