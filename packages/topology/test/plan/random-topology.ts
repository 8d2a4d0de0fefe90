import fc from 'fast-check'
import { topology, type TopologyBuilder } from '../../src/dsl/builder.ts'
import type { KStream } from '../../src/dsl/stream.ts'
import type { Topology } from '../../src/plan/topology.ts'
import { streamTopic, tableTopic } from '../../src/topic.ts'
import { stringSerde, testSerde } from '../dsl/test-serdes.ts'

export type Key = string | null
export type Value = number | null

/** One step of a random program. `input` and `other` choose among the streams that there are, modulo their number. */
export type Op = { readonly input: number } & (
  | { readonly kind: 'filter'; readonly divisor: number; readonly negated: boolean }
  | { readonly kind: 'map' | 'mapValues' | 'selectKey' | 'peek'; readonly by: number }
  | { readonly kind: 'flatMap' | 'flatMapValues'; readonly items: readonly Value[] }
  | { readonly kind: 'split'; readonly bounds: readonly number[]; readonly hasDefault: boolean }
  | { readonly kind: 'merge'; readonly other: number }
  | {
      readonly kind: 'join'
      readonly outer: 'inner' | 'left'
      readonly scope: 'partitioned' | 'global'
      readonly missing: 'drop' | 'dead-letter'
      readonly by: number
    }
)

export interface Program {
  readonly ops: readonly Op[]
  /** Streams that no step uses are written out; a branch may also be left as it is. */
  readonly writesBranches: boolean
}

/** The author's functions, shared by the topology and its oracle. Null is a value like any other to them. */
export const authors = {
  isMultiple: (value: Value, divisor: number): boolean => value !== null && value % divisor === 0,
  isAbove: (value: Value, bound: number): boolean => (value ?? -1) > bound,
  add: (value: Value, by: number): Value => (value === null ? by : value === by ? null : value + by),
  key: (value: Value, by: number): Key =>
    value === null || value % 5 === by ? null : String((value + by) % 4),
  join: (value: Value, row: number | undefined): Value => (value ?? 0) * 10 + (row ?? -1),
}

const small = fc.integer({ min: 1, max: 4 })
export const keys: fc.Arbitrary<Key> = fc.constantFrom(null, '', '0', '1', '2', '3')
export const values: fc.Arbitrary<Value> = fc.option(fc.integer({ min: -9, max: 9 }), { freq: 5 })
const scopes = fc.constantFrom('partitioned', 'global')

export const programs: fc.Arbitrary<Program> = fc.record({
  ops: fc.array(
    fc.oneof(
      fc.record({ input: fc.nat(), kind: fc.constant('filter'), divisor: small, negated: fc.boolean() }),
      fc.record({
        input: fc.nat(),
        kind: fc.constantFrom('map', 'mapValues', 'selectKey', 'peek'),
        by: small,
      }),
      fc.record({
        input: fc.nat(),
        kind: fc.constantFrom('flatMap', 'flatMapValues'),
        items: fc.array(values, { maxLength: 2 }),
      }),
      fc.record({
        input: fc.nat(),
        kind: fc.constant('split'),
        bounds: fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 3 }),
        hasDefault: fc.boolean(),
      }),
      fc.record({ input: fc.nat(), kind: fc.constant('merge'), other: fc.nat() }),
      fc.record({
        input: fc.nat(),
        kind: fc.constant('join'),
        outer: fc.constantFrom('inner', 'left'),
        scope: scopes,
        missing: fc.constantFrom('drop', 'dead-letter'),
        by: small,
      }),
    ) as fc.Arbitrary<Op>,
    { maxLength: 10 },
  ),
  writesBranches: fc.boolean(),
})

/** The name of the i-th op, of a branch of it, and of what writes a stream out. */
export const names = {
  op: (index: number): string => `op-${index}`,
  branch: (index: number, branch: number | 'rest'): string => `op-${index}.b-${branch}`,
  sink: (stream: number): string => `sink-${stream}`,
}

/** A stream of the program: whether its keys are still the source's, and whether it is a branch. */
export interface StreamFacts {
  readonly isRekeyed: boolean
  readonly isBranch: boolean
}

/** Which streams an op makes. */
export function factsAfter(op: Op, input: StreamFacts, other: StreamFacts): readonly StreamFacts[] {
  const isRekeyed = input.isRekeyed || ['map', 'flatMap', 'selectKey'].includes(op.kind)
  if (op.kind === 'split') {
    const count = op.bounds.length + (op.hasDefault ? 1 : 0)
    return Array.from({ length: count }, () => ({ isRekeyed, isBranch: true }))
  }
  return [{ isRekeyed: isRekeyed || (op.kind === 'merge' && other.isRekeyed), isBranch: false }]
}

const numbers = testSerde<number>('number')
const source = streamTopic<Key, Value>('events', { key: stringSerde, value: numbers })
const sink = streamTopic<Key, Value>('out', source)
const rows = tableTopic('rows', { key: stringSerde, value: numbers })
const globalRows = tableTopic('global-rows', { key: stringSerde, value: numbers })

export const SOURCE: StreamFacts = { isRekeyed: false, isBranch: false }

interface BuiltStream {
  readonly stream: KStream<Key, Value>
  readonly facts: StreamFacts
  isUsed: boolean
}

export function buildTopology({ ops, writesBranches }: Program): Topology {
  const builder = topology('app')
  const streams: BuiltStream[] = [{ stream: builder.stream(source), facts: SOURCE, isUsed: false }]
  const pick = (index: number): BuiltStream => streams[index % streams.length] as BuiltStream
  ops.forEach((op, index) => {
    const input = pick(op.input)
    const other = op.kind === 'merge' ? pick(op.other) : input
    input.isUsed = true
    other.isUsed = true
    const made = addOp(builder, op, { name: names.op(index), input, other })
    const facts = factsAfter(op, input.facts, other.facts)
    made.forEach((stream, i) => streams.push({ stream, facts: facts[i] as StreamFacts, isUsed: false }))
  })
  streams.forEach(({ stream, facts, isUsed }, index) => {
    if (!isUsed && (!facts.isBranch || writesBranches)) stream.to(sink, { name: names.sink(index) })
  })
  return builder.build()
}

interface OpPlace {
  readonly name: string
  readonly input: BuiltStream
  readonly other: BuiltStream
}

function addOp(
  builder: TopologyBuilder,
  op: Op,
  { name, input, other }: OpPlace,
): readonly KStream<Key, Value>[] {
  const { stream } = input
  switch (op.kind) {
    case 'filter': {
      const predicate = (value: Value): boolean => authors.isMultiple(value, op.divisor)
      return [op.negated ? stream.filterNot(predicate, { name }) : stream.filter(predicate, { name })]
    }
    case 'map':
      return [
        stream.map(value => ({ key: authors.key(value, op.by), value: authors.add(value, op.by) }), { name }),
      ]
    case 'mapValues':
      return [stream.mapValues(value => authors.add(value, op.by), { name })]
    case 'selectKey':
      return [stream.selectKey(value => authors.key(value, op.by), { name })]
    case 'peek':
      return [stream.peek(() => {}, { name })]
    case 'flatMap':
      return [
        stream.flatMap(value => op.items.map(item => ({ key: authors.key(item, 1), value: value ?? item })), {
          name,
        }),
      ]
    case 'flatMapValues':
      return [stream.flatMapValues(() => op.items, { name })]
    case 'split': {
      const branches = op.bounds.map(
        (bound, i) => [`b-${i}`, (value: Value) => authors.isAbove(value, bound)] as const,
      )
      const options = op.hasDefault ? { name, default: 'b-rest' } : { name }
      return Object.values(stream.split(Object.fromEntries(branches), options))
    }
    case 'merge':
      return [stream.merge(other.stream, { name })]
    case 'join':
      return [addJoin(builder, op, { name, input, other })]
  }
}

/** The oracle's questions include null keys, which the types would refuse in an inner join. */
function addJoin(
  builder: TopologyBuilder,
  op: Op & { readonly kind: 'join' },
  { name, input }: OpPlace,
): KStream<Key, Value> {
  const { missing } = op
  const key = (value: Value): string => authors.key(value, op.by) as string
  const joiner = (value: Value, row: number | undefined): Value => authors.join(value, row)
  if (isGlobalJoin(op, input.facts)) {
    const table = builder.globalTable(globalRows)
    return op.outer === 'inner'
      ? input.stream.join(table, { key, joiner, missing, name })
      : input.stream.leftJoin(table, { key, joiner, name })
  }
  const keyed = input.stream as KStream<string, Value>
  const table = builder.table(rows)
  return op.outer === 'inner'
    ? keyed.join(table, { joiner, missing, name })
    : keyed.leftJoin(table, { joiner, name })
}

/** A partitioned join of a stream with changed keys would be refused: it is made a global one. */
export function isGlobalJoin(op: Op & { readonly kind: 'join' }, input: StreamFacts): boolean {
  return op.scope === 'global' || input.isRekeyed
}
