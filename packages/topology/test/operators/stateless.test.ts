import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseTopic } from '../../src/operators/choose-topic.ts'
import { fanOut } from '../../src/operators/fan-out.ts'
import { filter } from '../../src/operators/filter.ts'
import { flatMap } from '../../src/operators/flat-map.ts'
import { flatMapValues } from '../../src/operators/flat-map-values.ts'
import { foreach } from '../../src/operators/foreach.ts'
import { map } from '../../src/operators/map.ts'
import { mapValues } from '../../src/operators/map-values.ts'
import { peek } from '../../src/operators/peek.ts'
import { repartition } from '../../src/operators/repartition.ts'
import { selectKey } from '../../src/operators/select-key.ts'
import { split } from '../../src/operators/split.ts'
import type { RecordHandler } from '../../src/plan/compiled.ts'
import type { PlanNode, Predicate } from '../../src/plan/node.ts'
import { stringSerde } from '../dsl/test-serdes.ts'
import { dropped, FakeWiring, keyless, out } from './fake-wiring.ts'

const step = { id: 1, name: 'step', input: 0 } as const
/** What an author's function was called with. */
const calls = (): { readonly seen: unknown[][]; readonly spy: (...args: unknown[]) => void } => {
  const seen: unknown[][] = []
  return { seen, spy: (...args) => seen.push(args) }
}

test('a filter passes what its predicate holds for and counts the rest', () => {
  const wiring = new FakeWiring()
  const predicate: Predicate = value => (value as number) > 1
  const keep = filter({ ...step, kind: 'filter', predicate, negated: false }, wiring, wiring.output())
  keep('a', 2)
  keep('b', 1)
  assert.deepEqual(wiring.take(), [out('a', 2), dropped('step', 'filtered')])
})

test('a negated filter passes what its predicate does not hold for', () => {
  const wiring = new FakeWiring()
  const predicate: Predicate = value => (value as number) > 1
  const reject = filter({ ...step, kind: 'filter', predicate, negated: true }, wiring, wiring.output())
  reject('a', 2)
  reject('b', 1)
  assert.deepEqual(wiring.take(), [dropped('step', 'filtered'), out('b', 1)])
})

test('a filter takes any falsy answer of an author without types for no', () => {
  const wiring = new FakeWiring()
  const predicate = (() => undefined) as unknown as Predicate
  filter({ ...step, kind: 'filter', predicate, negated: false }, wiring, wiring.output())('a', 1)
  filter({ ...step, kind: 'filter', predicate, negated: true }, wiring, wiring.output())('b', 1)
  assert.deepEqual(wiring.take(), [dropped('step', 'filtered'), out('b', 1)])
})

test('every author function gets the value, the key and the context of the task', () => {
  const wiring = new FakeWiring()
  const { seen, spy } = calls()
  const next = wiring.output()
  const steps: readonly RecordHandler[] = [
    filter(
      { ...step, kind: 'filter', predicate: (...args) => spy(...args) === undefined, negated: false },
      wiring,
      next,
    ),
    map({ ...step, kind: 'map', mapper: (...args) => (spy(...args), { key: 1, value: 2 }) }, wiring, next),
    mapValues({ ...step, kind: 'mapValues', mapper: spy }, wiring, next),
    flatMap({ ...step, kind: 'flatMap', mapper: (...args) => (spy(...args), []) }, wiring, next),
    flatMapValues({ ...step, kind: 'flatMapValues', mapper: (...args) => (spy(...args), []) }, wiring, next),
    selectKey({ ...step, kind: 'selectKey', mapper: spy }, wiring, next),
    peek({ ...step, kind: 'peek', action: spy }, wiring, next),
    foreach({ ...step, kind: 'foreach', action: spy }, wiring),
  ]
  for (const handler of steps) handler('k', 'v')
  assert.deepEqual(
    seen,
    steps.map(() => ['v', 'k', wiring.context]),
  )
})

test('every step names itself before it calls the author', () => {
  const wiring = new FakeWiring()
  const next = wiring.output()
  const entered: unknown[] = []
  const look = (): void => void entered.push(wiring.events.at(-1))
  const steps: readonly RecordHandler[] = [
    filter({ ...step, kind: 'filter', predicate: () => (look(), true), negated: false }, wiring, next),
    map({ ...step, kind: 'map', mapper: () => (look(), { key: 1, value: 2 }) }, wiring, next),
    mapValues({ ...step, kind: 'mapValues', mapper: look }, wiring, next),
    flatMap({ ...step, kind: 'flatMap', mapper: () => (look(), []) }, wiring, next),
    flatMapValues({ ...step, kind: 'flatMapValues', mapper: () => (look(), []) }, wiring, next),
    selectKey({ ...step, kind: 'selectKey', mapper: look }, wiring, next),
    peek({ ...step, kind: 'peek', action: look }, wiring, next),
    foreach({ ...step, kind: 'foreach', action: look }, wiring),
  ]
  for (const handler of steps) {
    wiring.events.length = 0
    handler('k', 'v')
  }
  assert.deepEqual(
    entered,
    steps.map(() => ({ kind: 'enter', node: 'step' })),
  )
})

test('null keys and null values are records like any others', () => {
  const wiring = new FakeWiring()
  const next = wiring.output()
  const steps: readonly RecordHandler[] = [
    filter({ ...step, kind: 'filter', predicate: () => true, negated: false }, wiring, next),
    map({ ...step, kind: 'map', mapper: (value, key) => ({ key, value }) }, wiring, next),
    mapValues({ ...step, kind: 'mapValues', mapper: value => value }, wiring, next),
    flatMap({ ...step, kind: 'flatMap', mapper: (value, key) => [{ key, value }] }, wiring, next),
    flatMapValues({ ...step, kind: 'flatMapValues', mapper: value => [value] }, wiring, next),
    selectKey({ ...step, kind: 'selectKey', mapper: (_, key) => key }, wiring, next),
    peek({ ...step, kind: 'peek', action: () => {} }, wiring, next),
  ]
  for (const handler of steps) handler(null, null)
  assert.deepEqual(
    wiring.take(),
    steps.map(() => out(null, null)),
  )
})

test('selectKey and map may give a null key', () => {
  const wiring = new FakeWiring()
  selectKey({ ...step, kind: 'selectKey', mapper: () => null }, wiring, wiring.output())('k', 'v')
  map({ ...step, kind: 'map', mapper: () => ({ key: null, value: 1 }) }, wiring, wiring.output())('k', 'v')
  assert.deepEqual(wiring.take(), [out(null, 'v'), out(null, 1)])
})

test('flatMap takes each item to the end before it makes the next, and an empty list to nowhere', () => {
  const wiring = new FakeWiring()
  const mapper = function* (value: unknown): Generator<{ key: unknown; value: unknown }> {
    for (const item of value as readonly string[]) {
      wiring.enter(`making ${item}`)
      yield { key: item, value: item }
    }
  }
  const next: RecordHandler = (key, value) => {
    wiring.enter('next')
    wiring.output()(key, value)
  }
  const handler = flatMap({ ...step, kind: 'flatMap', mapper }, wiring, next)
  handler('k', [])
  assert.deepEqual(wiring.take(), [])
  handler('k', ['a', 'b'])
  assert.deepEqual(
    wiring.events.map(event => (event.kind === 'out' ? `out ${String(event.key)}` : event.node)),
    ['step', 'making a', 'next', 'out a', 'step', 'making b', 'next', 'out b', 'step'],
    'the step names itself again before its generator runs on',
  )
})

test('flatMapValues keeps the key and takes each item to the end before it makes the next', () => {
  const wiring = new FakeWiring()
  const mapper = (value: unknown): Iterable<unknown> => value as readonly unknown[]
  const handler = flatMapValues({ ...step, kind: 'flatMapValues', mapper }, wiring, (key, value) => {
    wiring.enter('next')
    wiring.output()(key, value)
  })
  handler('k', ['a', null])
  assert.deepEqual(
    wiring.events.filter(event => event.kind === 'out'),
    [out('k', 'a'), out('k', null)],
  )
  assert.deepEqual(wiring.takeEntered(), ['step', 'next', 'step', 'next', 'step'])
})

test('split gives a record to the first branch that takes it, and to that one only', () => {
  const wiring = new FakeWiring()
  const node: Extract<PlanNode, { kind: 'split' }> = {
    ...step,
    kind: 'split',
    branches: [
      { name: 'big', predicate: value => (value as number) > 10 },
      { name: 'positive', predicate: value => (value as number) > 0 },
    ],
  }
  const branches = [wiring.output('big'), wiring.output('positive')]
  const handler = split(node, wiring, {
    branches,
    unmatched: wiring.output('unmatched'),
    branchCounts: ['big', 'positive'].map(name => wiring.counts(name)),
    unmatchedCounts: wiring.counts('unmatched'),
  })
  for (const value of [11, 12, 1, -1]) handler('k', value)
  assert.deepEqual(wiring.take(), [
    out('k', 11, 'big'),
    out('k', 12, 'big'),
    out('k', 1, 'positive'),
    out('k', -1, 'unmatched'),
  ])
  assert.deepEqual(
    ['big', 'positive', 'unmatched'].map(name => wiring.counts(name).out),
    [2, 1, 1],
  )
})

test('split asks no branch behind the one that takes the record', () => {
  const wiring = new FakeWiring()
  const { seen, spy } = calls()
  const branches = [
    { name: 'first', predicate: () => true },
    { name: 'second', predicate: () => (spy(), true) },
  ]
  const handler = split({ ...step, kind: 'split', branches }, wiring, {
    branches: [wiring.output(), wiring.output()],
    unmatched: wiring.output(),
    branchCounts: [wiring.counts('first'), wiring.counts('second')],
    unmatchedCounts: wiring.counts('unmatched'),
  })
  handler('k', 'v')
  assert.equal(seen.length, 0)
})

test('a repartition drops records without a key and counts them; the empty string is a key', () => {
  const wiring = new FakeWiring()
  const node: Extract<PlanNode, { kind: 'repartition' }> = {
    ...step,
    kind: 'repartition',
    key: stringSerde,
    value: stringSerde,
    partitions: undefined,
  }
  const handler = repartition(node, wiring, wiring.output('step'))
  handler('k', null)
  handler(null, 'v')
  handler(undefined, 'v')
  handler('', 'v')
  assert.deepEqual(wiring.take(), [
    out('k', null, 'step'),
    keyless('step'),
    keyless('step'),
    out('', 'v', 'step'),
  ])
})

test('a choice of topics writes each record to the one that it names, which two names may share', () => {
  const wiring = new FakeWiring()
  const [german, french] = [wiring.output('german'), wiring.output('french')]
  const writers = new Map([
    ['DE', german],
    ['AT', german],
    ['FR', french],
  ])
  const handler = chooseTopic('step', value => value as string, { wiring, writers })
  for (const country of ['FR', 'AT', 'DE']) handler('k', country)
  assert.deepEqual(wiring.take(), [
    out('k', 'FR', 'french'),
    out('k', 'AT', 'german'),
    out('k', 'DE', 'german'),
  ])
})

test('a choice of no topic fails with the step, the record, what was chosen and what is allowed', () => {
  const wiring = new FakeWiring()
  const writers = new Map([
    ['DE', wiring.output()],
    ['FR', wiring.output()],
  ])
  const handler = chooseTopic('by-country', value => value as string, { wiring, writers })
  const chosen: readonly (readonly [value: unknown, shown: string])[] = [
    ['ES', "'ES'"],
    ['toString', "'toString'"],
    [undefined, 'undefined'],
    [{ name: 'DE' }, 'an object with name'],
    ['x'.repeat(500), `'${'x'.repeat(100)}…'`],
  ]
  for (const [value, shown] of chosen) {
    assert.throws(() => handler('k', value), {
      code: 'TOPOLOGY_CHOICE_INVALID',
      message: `by-country has chosen ${shown} for bookings-3@42, which is none of its topics; allowed: 'DE', 'FR'`,
    })
  }
  assert.deepEqual(new Set(wiring.takeEntered()), new Set(['by-country']))
})

for (const size of [0, 1, 2, 3, 7]) {
  test(`a stream with ${size} uses calls them in their order`, () => {
    const wiring = new FakeWiring()
    const names = Array.from({ length: size }, (_, i) => `use-${i}`)
    fanOut(names.map(name => wiring.output(name)))('k', 'v')
    assert.deepEqual(
      wiring.take(),
      names.map(name => out('k', 'v', name)),
    )
  })
}
