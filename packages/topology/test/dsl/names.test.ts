import assert from 'node:assert/strict'
import { test } from 'node:test'
import { topology, type TopologyBuilder } from '../../src/dsl/builder.ts'
import { oneStream, refusal, textStream, textTable } from '../plan/plans.ts'

function stepNames(builder: TopologyBuilder): readonly string[] {
  return builder
    .build()
    .toJSON()
    .subTopologies.flatMap(part => part.steps.map(step => step.name))
}

test('a derived name is the branch, the step and its number among its like', () => {
  const { builder, bookings } = oneStream()
  bookings
    .filter(() => true)
    .mapValues(value => value)
    .filterNot(() => false)
    .filter(() => true)
    .to(textStream('out'))
  assert.deepEqual(stepNames(builder), [
    'bookings.filter-1',
    'bookings.mapValues-1',
    'bookings.filterNot-1',
    'bookings.filter-2',
    'bookings.to-1',
  ])
})

test('a given name begins a branch of its own', () => {
  const { builder, bookings } = oneStream()
  bookings
    .filter(() => true)
    .filter(() => true, { name: 'paid' })
    .filter(() => true)
    .to(textStream('out'))
  assert.deepEqual(stepNames(builder), ['bookings.filter-1', 'paid', 'paid.filter-1', 'paid.to-1'])
})

test('each further use of a stream is a branch of its own, so that a longer first one renames nothing in it', () => {
  const second = (firstIsLonger: boolean): readonly string[] => {
    const { builder, bookings } = oneStream()
    const first = bookings.filter(() => true)
    const longer = firstIsLonger ? first.filter(() => true) : first
    longer.to(textStream('out'))
    bookings.filter(() => true).to(textStream('out'))
    return stepNames(builder).filter(name => name.includes(':'))
  }
  assert.deepEqual(second(false), ['bookings:2.filter-1', 'bookings:2.to-1'])
  assert.deepEqual(second(true), second(false))
})

test('a topic that is read twice is one source with two uses', () => {
  const { builder, bookings } = oneStream()
  const topic = textStream('wishes')
  builder
    .stream(topic)
    .filter(() => true)
    .to(textStream('out'))
  builder
    .stream(topic)
    .filter(() => true)
    .to(textStream('out'))
  bookings.foreach(() => {})
  assert.deepEqual(
    builder.build().compiled.subTopologies.flatMap(part => part.sources.map(source => source.topic)),
    ['bookings', 'wishes'],
  )
  assert.deepEqual(
    stepNames(builder).filter(name => name.includes('filter')),
    ['wishes.filter-1', 'wishes:2.filter-1'],
  )
})

test('a branch of a split is named after the split, a repartition and what follows as given', () => {
  const { builder, bookings } = oneStream()
  const { big } = bookings.split({ big: () => true })
  big
    .repartition({ name: 'again' })
    .mapValues(value => value)
    .foreach(() => {})
  assert.deepEqual(stepNames(builder), [
    'bookings.split-1',
    'bookings.split-1.big',
    'again',
    'again.mapValues-1',
    'again.foreach-1',
  ])
})

test('sources and tables are named after their topics, or as given', () => {
  const builder = topology('app')
  const stream = builder.stream(textStream('bookings-v2'), { name: 'bookings' })
  const customers = builder.table(textTable('customers-v7'), { name: 'customers' })
  stream.join(customers, { joiner: value => value }).foreach(() => {})
  const { sources, tables } = builder.build().toJSON().subTopologies[0] ?? { sources: [], tables: [] }
  assert.deepEqual(
    [sources[0]?.name, tables[0]?.name, customers.name],
    ['bookings', 'customers', 'customers'],
  )
})

test('a name that is taken is refused', () => {
  const { bookings } = oneStream()
  bookings.filter(() => true, { name: 'paid' })
  assert.throws(
    () => bookings.mapValues(value => value, { name: 'paid' }),
    refusal('TOPOLOGY_PLAN_INVALID', /app has two steps named paid/),
  )
  assert.throws(
    () => bookings.repartition({ name: 'bookings' }),
    refusal('TOPOLOGY_PLAN_INVALID', /two steps named bookings/),
  )
})

test('a name that Kafka would not take is refused', () => {
  const { bookings } = oneStream()
  for (const name of ['', '.', '..', 'a b', 'a:b', 'ä', 'x'.repeat(201)]) {
    assert.throws(
      () => bookings.filter(() => true, { name }),
      refusal('TOPOLOGY_CONFIG_INVALID', /app: filter\(\) after bookings: name is '.*'; allowed: 1 to 200/s),
    )
    assert.throws(() => topology(name), refusal('TOPOLOGY_CONFIG_INVALID', /topology\(\): the name is/))
  }
})
