import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TopologyBuilder } from '../../src/dsl/builder.ts'
import { compile } from '../../src/plan/compile.ts'
import type { CompiledTopology, RecordHandler } from '../../src/plan/compiled.ts'
import { stringSerde } from '../dsl/test-serdes.ts'
import { dropped, FakeWiring, out } from '../operators/fake-wiring.ts'
import { crm, oneStream, showcase, textStream, textTable } from './plans.ts'

/** The handlers of a topology of one sub-topology over a fake wiring. */
function run(builder: TopologyBuilder): { wiring: FakeWiring; handler: (topic: string) => RecordHandler } {
  const wiring = new FakeWiring()
  const handlers = only(builder.build().compiled).build(wiring)
  return { wiring, handler: topic => handlers.get(topic) as RecordHandler }
}

function only({ subTopologies }: CompiledTopology): CompiledTopology['subTopologies'][number] {
  const [first, ...others] = subTopologies
  assert.ok(first !== undefined && others.length === 0)
  return first
}

test('a record runs depth first: the first item to every end before the second, uses in order of definition', () => {
  const { builder, bookings } = oneStream()
  const words = bookings.flatMapValues(value => value.split(' '))
  words.mapValues(word => word.toUpperCase()).to(textStream('upper'), { name: 'upper' })
  words.to(textStream('plain'), { name: 'plain' })
  bookings.to(textStream('whole'), { name: 'whole' })
  const { wiring, handler } = run(builder)
  handler('bookings')('k', 'a b')
  assert.deepEqual(wiring.take(), [
    out('k', 'A', 'upper'),
    out('k', 'a', 'plain'),
    out('k', 'B', 'upper'),
    out('k', 'b', 'plain'),
    out('k', 'a b', 'whole'),
  ])
})

test('a merge emits what each of its inputs gives, a stream merged with itself twice', () => {
  const { builder, bookings } = oneStream()
  // The mapping is defined before the merge, whose argument it is.
  const merged = bookings
    .merge(bookings.mapValues(value => `mapped ${value}`))
    .merge(builder.stream(textStream('wishes')))
  merged.merge(merged).to(textStream('out'), { name: 'sink' })
  const { wiring, handler } = run(builder)
  handler('bookings')('k', 'b')
  handler('wishes')('k', 'w')
  assert.deepEqual(
    wiring.take(),
    ['mapped b', 'mapped b', 'b', 'b', 'w', 'w'].map(value => out('k', value, 'sink')),
  )
})

test('what no branch takes is dropped and counted, and so is what a branch without steps takes', () => {
  const { builder, bookings } = oneStream()
  const { used } = bookings.split(
    { used: value => value === 'used', ignored: value => value === 'ignored' },
    { name: 'kinds' },
  )
  used.to(textStream('out'), { name: 'sink' })
  const { wiring, handler } = run(builder)
  for (const value of ['used', 'ignored', 'other']) handler('bookings')('k', value)
  assert.deepEqual(wiring.take(), [
    out('k', 'used', 'sink'),
    dropped('kinds.ignored', 'filtered'),
    dropped('kinds', 'unmatched-branch'),
  ])
})

test('the default branch takes what no other does', () => {
  const { builder, bookings } = oneStream()
  const { rest } = bookings.split({ some: value => value === 'some' }, { default: 'rest' })
  rest.to(textStream('out'), { name: 'sink' })
  const { wiring, handler } = run(builder)
  handler('bookings')('k', 'other')
  assert.deepEqual(wiring.take(), [out('k', 'other', 'sink')])
})

test('joins read their own tables', () => {
  const { builder, bookings } = oneStream()
  const customers = builder.table(textTable('customers'))
  const activities = builder.globalTable(textTable('activities'))
  bookings
    .join(customers, { joiner: (value, row) => `${value} ${row}` })
    .join(activities, { key: value => value.split(' ')[0] ?? '', joiner: (value, row) => `${value} ${row}` })
    .to(textStream('out'), { name: 'sink' })
  const compiled = builder.build().compiled
  const wiring = new FakeWiring()
  const rows: Readonly<Record<string, ReadonlyMap<string, string>>> = {
    customers: new Map([['c1', 'Ada']]),
    activities: new Map([['a1', 'Tour']]),
  }
  for (const { node, name } of [...only(compiled).tables, ...compiled.globalTables]) {
    wiring.tables.set(node, rows[name] ?? new Map())
  }
  only(compiled).build(wiring).get('bookings')?.('c1', 'a1')
  assert.deepEqual(wiring.take(), [out('c1', 'a1 Ada Tour', 'sink')])
})

test('a repartition is written by one sub-topology and read by the other under its topic', () => {
  const { builder, bookings } = oneStream()
  bookings
    .selectKey(value => value)
    .repartition({ name: 'by-value', key: stringSerde })
    .to(textStream('out'), { name: 'sink' })
  const [writer, reader] = builder.build().compiled.subTopologies
  const wiring = new FakeWiring()
  writer?.build(wiring).get('bookings')?.('k', 'v')
  reader?.build(wiring).get('app-by-value-repartition')?.('v', 'v')
  assert.deepEqual(wiring.take(), [out('v', 'v', 'by-value'), out('v', 'v', 'sink')])
  const source = reader?.sources[0]
  assert.deepEqual(
    [source?.name, source?.isRepartition, source?.offsetReset],
    ['by-value-source', true, 'earliest'],
  )
})

test('a compiled topology says what the task has to open, and whether records outlive their call', () => {
  const compiled = showcase().compiled
  const [first, second] = compiled.subTopologies
  assert.equal(compiled.name, 'app')
  assert.deepEqual(
    compiled.repartitions.map(({ topic, partitions, writer }) => ({ topic, partitions, writer })),
    [{ topic: 'app-by-value-repartition', partitions: 12, writer: 0 }],
  )
  assert.deepEqual(
    compiled.deliveries.map(node => node.destination),
    [crm],
  )
  assert.deepEqual([first?.hasAsyncSteps, second?.hasAsyncSteps], [true, true])
  assert.deepEqual(second?.sources[1]?.offsetReset, { durationMs: 60_000 })
})

test('a sub-topology without enrich and deliver has no asynchronous steps', () => {
  const { builder, bookings } = oneStream()
  bookings.to(textStream('out'))
  assert.equal(only(builder.build().compiled).hasAsyncSteps, false)
})

test('each task builds its own chain', () => {
  const { builder, bookings } = oneStream()
  bookings.to(textStream('out'), { name: 'sink' })
  const part = only(builder.build().compiled)
  const [one, two] = [new FakeWiring(), new FakeWiring()]
  part.build(one).get('bookings')?.('k', 1)
  part.build(two).get('bookings')?.('k', 2)
  assert.deepEqual([one.take(), two.take()], [[out('k', 1, 'sink')], [out('k', 2, 'sink')]])
})

test('a plan compiles without its builder', () => {
  const topic = textStream('bookings')
  const compiled = compile({
    name: 'app',
    nodes: [
      { id: 0, name: 'bookings', kind: 'source', topic, offsetReset: 'latest' },
      {
        id: 1,
        name: 'sink',
        kind: 'sink',
        input: 0,
        topics: new Map([['out', textStream('out')]]),
        choose: undefined,
      },
    ],
  })
  const wiring = new FakeWiring()
  only(compiled).build(wiring).get('bookings')?.('k', 'v')
  assert.deepEqual(wiring.take(), [out('k', 'v', 'sink')])
})
