import {
  authors,
  factsAfter,
  isGlobalJoin,
  names,
  SOURCE,
  type Key,
  type Op,
  type Program,
  type StreamFacts,
  type Value,
} from './random-topology.ts'

/** What the topology must do with one record, in order. */
export type Expected =
  | { readonly kind: 'out'; readonly node: string; readonly key: Key; readonly value: Value }
  | { readonly kind: 'drop'; readonly node: string; readonly reason: string }
  | { readonly kind: 'no key' | 'dead-letter'; readonly node: string }

/**
 * A record and the way it came: at each stream which of its uses, at each flatMap which item. Depth first means that two
 * records are handled in the order of their ways, compared number by number.
 */
interface Item {
  readonly key: Key
  readonly value: Value
  readonly way: readonly number[]
}

export interface Rows {
  readonly partitioned: ReadonlyMap<string, number>
  readonly global: ReadonlyMap<string, number>
}

interface Stream {
  readonly items: readonly Item[]
  readonly facts: StreamFacts
  /** The branch that it is, if it is one. */
  readonly branch: string | undefined
  uses: number
}

interface Event {
  readonly way: readonly number[]
  readonly event: Expected
}

/** Interprets a program naively: each stream as the list of all its items, put into order at the end. */
export function expectedOf(program: Program, record: Omit<Item, 'way'>, rows: Rows): readonly Expected[] {
  const events: Event[] = []
  const streams: Stream[] = [{ items: [{ ...record, way: [] }], facts: SOURCE, branch: undefined, uses: 0 }]
  const pick = (index: number): Stream => streams[index % streams.length] as Stream
  program.ops.forEach((op, index) => {
    const node = names.op(index)
    const input = pick(op.input)
    const other = op.kind === 'merge' ? pick(op.other) : input
    const items = use(input)
    const made =
      op.kind === 'split'
        ? splitItems(op, index, { items, events })
        : op.kind === 'merge'
          ? [{ items: [...items, ...use(other)], branch: undefined }]
          : [
              {
                items: items.flatMap(item => step(op, item, { node, events, rows, facts: input.facts })),
                branch: undefined,
              },
            ]
    const facts = factsAfter(op, input.facts, other.facts)
    made.forEach((stream, i) => streams.push({ ...stream, facts: facts[i] as StreamFacts, uses: 0 }))
  })
  streams.forEach((stream, index) => {
    if (stream.uses > 0) return
    const { branch } = stream
    const isDiscarded = branch !== undefined && !program.writesBranches
    for (const { key, value, way } of use(stream)) {
      const event: Expected = isDiscarded
        ? { kind: 'drop', node: branch, reason: 'filtered' }
        : { kind: 'out', node: names.sink(index), key, value }
      events.push({ way, event })
    }
  })
  return events.toSorted((a, b) => compareWays(a.way, b.way)).map(({ event }) => event)
}

function use(stream: Stream): readonly Item[] {
  const number = stream.uses
  stream.uses += 1
  return stream.items.map(item => ({ ...item, way: [...item.way, number] }))
}

function compareWays(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((step, i) => step !== b[i])
  return index === -1 ? 0 : (a[index] ?? 0) - (b[index] ?? 0)
}

interface StepPlace {
  readonly node: string
  readonly events: Event[]
  readonly rows: Rows
  readonly facts: StreamFacts
}

function step(op: Exclude<Op, { kind: 'split' | 'merge' }>, item: Item, place: StepPlace): readonly Item[] {
  const { key, value, way } = item
  switch (op.kind) {
    case 'filter':
      if (authors.isMultiple(value, op.divisor) !== op.negated) return [item]
      place.events.push({ way, event: { kind: 'drop', node: place.node, reason: 'filtered' } })
      return []
    case 'map':
      return [{ key: authors.key(value, op.by), value: authors.add(value, op.by), way }]
    case 'mapValues':
      return [{ key, value: authors.add(value, op.by), way }]
    case 'selectKey':
      return [{ key: authors.key(value, op.by), value, way }]
    case 'peek':
      return [item]
    case 'flatMap':
      return op.items.map((made, i) => ({
        key: authors.key(made, 1),
        value: value ?? made,
        way: [...way, i],
      }))
    case 'flatMapValues':
      return op.items.map((made, i) => ({ key, value: made, way: [...way, i] }))
    case 'join':
      return join(op, item, place)
  }
}

/** By the facts of Kafka Streams: which records of a stream-table join come out, and with what. */
function join(
  op: Op & { readonly kind: 'join' },
  item: Item,
  { node, events, rows, facts }: StepPlace,
): readonly Item[] {
  const { value, way } = item
  const drop = (reason: string): readonly Item[] => {
    events.push({ way, event: { kind: 'drop', node, reason } })
    return []
  }
  if (value === null) return drop('null-value')
  const isGlobal = isGlobalJoin(op, facts)
  const key = isGlobal ? authors.key(value, op.by) : item.key
  if (op.outer === 'inner' && key === null) {
    if (isGlobal) return drop('null-key')
    events.push({ way, event: { kind: 'no key', node } })
    return []
  }
  const row = key === null ? undefined : rows[isGlobal ? 'global' : 'partitioned'].get(key)
  if (op.outer === 'left' || row !== undefined)
    return [{ key: item.key, value: authors.join(value, row), way }]
  if (op.missing === 'drop') return drop('join-miss')
  events.push({ way, event: { kind: 'dead-letter', node } })
  return []
}

function splitItems(
  op: Op & { readonly kind: 'split' },
  index: number,
  { items, events }: { readonly items: readonly Item[]; readonly events: Event[] },
): readonly { readonly items: readonly Item[]; readonly branch: string }[] {
  const takerOf = (item: Item): number => op.bounds.findIndex(bound => authors.isAbove(item.value, bound))
  const branches = op.bounds.map((_, i) => ({
    items: items.filter(item => takerOf(item) === i),
    branch: names.branch(index, i),
  }))
  const rest = items.filter(item => takerOf(item) === -1)
  if (op.hasDefault) return [...branches, { items: rest, branch: names.branch(index, 'rest') }]
  for (const { way } of rest) {
    events.push({ way, event: { kind: 'drop', node: names.op(index), reason: 'unmatched-branch' } })
  }
  return branches
}
