import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TopologyError } from '../../src/errors.ts'
import { joinGlobalTable } from '../../src/operators/join-global-table.ts'
import { joinTable } from '../../src/operators/join-table.ts'
import type { RecordHandler } from '../../src/plan/compiled.ts'
import type { JoinNode, ValueMapper } from '../../src/plan/node.ts'
import { dropped, FakeWiring, keyless, out, type WiringEvent } from './fake-wiring.ts'

const TABLE = 7
const node: JoinNode = {
  id: 1,
  name: 'joined',
  kind: 'join',
  input: 0,
  table: TABLE,
  outer: 'inner',
  keyMapper: undefined,
  missing: 'drop',
  parkForMs: undefined,
  joiner: (value, row) => ({ value, row }),
}

function wired(): FakeWiring {
  const wiring = new FakeWiring()
  wiring.tables.set(
    TABLE,
    new Map([
      ['k', 'row'],
      ['', 'row of the empty key'],
    ]),
  )
  return wiring
}

function global(
  wiring: FakeWiring,
  join: Partial<JoinNode>,
  mapper: ValueMapper = value => value,
): RecordHandler {
  return joinGlobalTable({ ...node, ...join }, mapper, { wiring, downstream: wiring.output() })
}

test('an inner join emits what has a row, under the stream’s key, and counts what has none', () => {
  const wiring = wired()
  const handler = joinTable(node, wiring, wiring.output())
  handler('k', 'v')
  handler('unknown', 'v')
  assert.deepEqual(wiring.take(), [out('k', { value: 'v', row: 'row' }), dropped('joined', 'join-miss')])
})

test('an inner join ends records without a key by policy, and drops those without a value', () => {
  const wiring = wired()
  const handler = joinTable(node, wiring, wiring.output())
  handler(null, 'v')
  handler('k', null)
  handler(null, null)
  handler(undefined, 'v')
  assert.deepEqual(wiring.take(), [
    keyless('joined'),
    dropped('joined', 'null-value'),
    dropped('joined', 'null-value'),
    keyless('joined'),
  ])
  assert.deepEqual(wiring.lookups, [])
})

test('a left join passes records without a row or a key, and drops those without a value', () => {
  const wiring = wired()
  const handler = joinTable({ ...node, outer: 'left' }, wiring, wiring.output())
  handler('k', 'v')
  handler('unknown', 'v')
  handler(null, 'v')
  handler('k', null)
  handler(null, null)
  assert.deepEqual(wiring.take(), [
    out('k', { value: 'v', row: 'row' }),
    out('unknown', { value: 'v', row: undefined }),
    out(null, { value: 'v', row: undefined }),
    dropped('joined', 'null-value'),
    dropped('joined', 'null-value'),
  ])
})

test('the empty string, zero and false are values, and the empty string is a key', () => {
  const wiring = wired()
  const handler = joinTable(node, wiring, wiring.output())
  for (const value of ['', 0, false]) handler('', value)
  assert.deepEqual(
    wiring.take(),
    ['', 0, false].map(value => out('', { value, row: 'row of the empty key' })),
  )
})

test('a joiner that gives null emits null', () => {
  const wiring = wired()
  joinTable({ ...node, joiner: () => null }, wiring, wiring.output())('k', 'v')
  assert.deepEqual(wiring.take(), [out('k', null)])
})

test('a global join looks up the mapped key and keeps the stream’s', () => {
  const wiring = wired()
  const handler = global(wiring, {})
  handler('stream key', 'k')
  handler(null, 'k')
  handler('stream key', 'unknown')
  assert.deepEqual(wiring.take(), [
    out('stream key', { value: 'k', row: 'row' }),
    out(null, { value: 'k', row: 'row' }),
    dropped('joined', 'join-miss'),
  ])
})

test('a global join without a mapped key: the inner one drops, the left one passes', () => {
  for (const none of [null, undefined]) {
    const wiring = wired()
    global(wiring, {}, () => none)('k', 'v')
    global(wiring, { outer: 'left' }, () => none)('k', 'v')
    assert.deepEqual(wiring.take(), [dropped('joined', 'null-key'), out('k', { value: 'v', row: undefined })])
    assert.deepEqual(wiring.lookups, [])
  }
})

test('a global join drops a record without a value before its mapper sees it', () => {
  for (const outer of ['inner', 'left'] as const) {
    const wiring = wired()
    const handler = global(wiring, { outer }, () => assert.fail('the mapper was called'))
    handler('k', null)
    assert.deepEqual(wiring.take(), [dropped('joined', 'null-value')])
  }
})

test('a global left join passes a record without a row', () => {
  const wiring = wired()
  global(wiring, { outer: 'left' })('k', 'unknown')
  assert.deepEqual(wiring.take(), [out('k', { value: 'unknown', row: undefined })])
})

test('a miss goes to the dead-letter topic where the join says so, and names key and place', () => {
  const build: readonly ((wiring: FakeWiring) => RecordHandler)[] = [
    wiring => joinTable({ ...node, missing: 'dead-letter' }, wiring, wiring.output()),
    wiring => global(wiring, { missing: 'dead-letter' }, (_, key) => key),
  ]
  for (const make of build) {
    const wiring = wired()
    make(wiring)('unknown', 'v')
    const [event, ...more] = wiring.take()
    assert.deepEqual(more, [])
    assert.equal(event?.kind, 'dead-letter')
    assert.equal(event.node, 'joined')
    assert.ok(TopologyError.is(event.error))
    assert.equal(event.error.code, 'TOPOLOGY_JOIN_MISSED')
    assert.equal(event.error.message, "joined has no row for the key 'unknown' of bookings-3@42")
  }
})

test('a missed key that is no text, or too long a one, is shown as far as it can be', () => {
  const shown = (key: unknown): string => {
    const wiring = wired()
    joinTable({ ...node, missing: 'dead-letter' }, wiring, wiring.output())(key, 'v')
    const [event] = wiring.take()
    assert.equal(event?.kind, 'dead-letter')
    return event.error.message
  }
  assert.match(shown({ id: 5n }), /the key \{"id":"5n"\} of/)
  assert.match(shown(12), /the key 12 of/)
  assert.match(shown(7n), /the key "7n" of/)
  assert.match(shown('x'.repeat(5_000)), /^joined has no row for the key 'x{99}… of/)
})

test('a join names itself before the lookup, so that a key that cannot be encoded is its own failure', () => {
  const wiring = wired()
  wiring.table = () => ({
    get: () => {
      throw new Error('not a key')
    },
    watch: () => () => undefined,
  })
  assert.throws(() => joinTable(node, wiring, wiring.output())('k', 'v'), /not a key/)
  assert.throws(() => global(wiring, {})('k', 'v'), /not a key/)
  assert.deepEqual(wiring.takeEntered(), ['joined', 'joined'])
})

const parked = (key: unknown, value: unknown, tableKey: unknown) =>
  ({ kind: 'park', node: 'joined', key, value, tableKey }) as const

test('a join that parks passes what has a row and parks what has none', () => {
  const wiring = wired()
  const handler = joinTable({ ...node, parkForMs: 5 }, wiring, wiring.output())
  handler('k', 'v')
  handler('unknown', 'v')
  handler(null, 'v')
  handler('unknown', null)
  assert.deepEqual(wiring.take(), [
    out('k', { value: 'v', row: 'row' }),
    parked('unknown', 'v', 'unknown'),
    keyless('joined'),
    dropped('joined', 'null-value'),
  ])
  assert.equal(wiring.parking?.parkForMs, 5)
})

test('a record waits behind a parked one with its key, row or not, and a left join’s without a table key, too', () => {
  const wiring = wired()
  const handler = global(wiring, { outer: 'left', parkForMs: 5 }, value => (value === '-' ? null : value))
  handler('a', '-')
  handler('a', 'unknown')
  handler('a', 'k')
  handler('a', '-')
  handler('b', 'k')
  assert.deepEqual(wiring.take(), [
    out('a', { value: '-', row: undefined }),
    parked('a', 'unknown', 'unknown'),
    parked('a', 'k', 'k'),
    parked('a', '-', null),
    out('b', { value: 'k', row: 'row' }),
  ])
  assert.deepEqual(wiring.lookups, ['unknown', 'k'])
})

test('a parked record is joined with its row, and without one follows the policy or, in a left join, has none', () => {
  const ended = (join: Partial<JoinNode>): readonly WiringEvent[] => {
    const wiring = wired()
    joinTable({ ...node, parkForMs: 5, ...join }, wiring, wiring.output())
    wiring.parking?.outcomes.onRow('x', 'v', 'late')
    wiring.parking?.outcomes.onNoRow('x', 'v', 'x')
    return wiring.take()
  }
  const joined = out('x', { value: 'v', row: 'late' })
  assert.deepEqual(ended({}), [joined, dropped('joined', 'park-timeout')])
  assert.deepEqual(ended({ outer: 'left' }), [joined, out('x', { value: 'v', row: undefined })])
  const [first, letter] = ended({ missing: 'dead-letter' })
  assert.deepEqual(first, joined)
  assert.equal(letter?.kind, 'dead-letter')
  assert.match(letter.error.message, /no row for the key 'x' of bookings-3@42, for which it has waited 5 ms$/)
})
