import type {
  SourceDescription,
  StepDescription,
  SubTopologyDescription,
  TableDescription,
  TopologyDescription,
} from '../../plan/describe.ts'
import { type ChangeKind, JUDGEMENTS, type Verdict } from './judgements.ts'

export interface Change {
  readonly kind: ChangeKind
  /** The topic, table or step. */
  readonly where: string
  readonly before: unknown
  readonly after: unknown
  readonly verdict: Verdict
}

/** Everything that differs. What author's functions do is not in a description, and so not in here. */
export function compareTopologies(
  before: TopologyDescription,
  after: TopologyDescription,
): readonly Change[] {
  const changes: Change[] = []
  const add: Add = (kind, where, from = null, to = null) =>
    changes.push({ kind, where, before: from, after: to, verdict: JUDGEMENTS[kind].verdict })
  if (before.name !== after.name) add('application-renamed', after.name, before.name, after.name)
  const [old, now] = [new Parts(before), new Parts(after)]
  compareSources(old, now, add)
  compareRepartitions(old, now, add)
  compareMemories(old, now, add)
  compareTables(old, now, add)
  compareSinks(old, now, add)
  compareJoins(old, now, add)
  compareDeliveries(old, now, add)
  compareShape(old, now, add)
  return changes
}

type Add = (kind: ChangeKind, where: string, before?: unknown, after?: unknown) => void

interface Table extends TableDescription {
  readonly scope: 'partitioned' | 'global'
}

interface Serdes {
  readonly key: unknown
  readonly value: unknown
}

/** A description by what its parts are called. */
class Parts {
  readonly description: TopologyDescription
  readonly sources: ReadonlyMap<string, SourceDescription>
  readonly steps: ReadonlyMap<string, StepDescription>
  readonly tables: ReadonlyMap<string, Table>
  readonly sinks = new Map<string, Serdes>()

  constructor(description: TopologyDescription) {
    this.description = description
    const { subTopologies, globalTables } = description
    const steps = subTopologies.flatMap(part => part.steps)
    this.steps = new Map(steps.map(step => [step.name, step]))
    this.sources = new Map(
      subTopologies
        .flatMap(part => part.sources)
        .filter(source => !source.isRepartition)
        .map(source => [source.topic, source]),
    )
    this.tables = new Map([
      ...subTopologies.flatMap(part =>
        part.tables.map((table): [string, Table] => [table.name, { ...table, scope: 'partitioned' }]),
      ),
      ...globalTables.map((table): [string, Table] => [table.name, { ...table, scope: 'global' }]),
    ])
    for (const step of this.of('sink')) this.#addSink(step)
  }

  of(kind: string): readonly StepDescription[] {
    return [...this.steps.values()].filter(step => step.kind === kind)
  }

  byName(kind: string): ReadonlyMap<string, StepDescription> {
    return new Map(this.of(kind).map(step => [step.name, step]))
  }

  #addSink({ topics = [], settings }: StepDescription): void {
    const choices = settings['choices']
    if (typeof choices !== 'object' || choices === null) {
      for (const topic of topics) this.sinks.set(topic, { key: settings['key'], value: settings['value'] })
      return
    }
    for (const { topic, key, value } of Object.values(choices) as (Serdes & { topic: string })[])
      this.sinks.set(topic, { key, value })
  }
}

interface Difference<T> {
  readonly removed: readonly (readonly [string, T])[]
  readonly added: readonly (readonly [string, T])[]
  readonly common: readonly (readonly [name: string, before: T, after: T])[]
}

function difference<T>(before: ReadonlyMap<string, T>, after: ReadonlyMap<string, T>): Difference<T> {
  return {
    removed: [...before].filter(([name]) => !after.has(name)),
    added: [...after].filter(([name]) => !before.has(name)),
    common: [...before].flatMap(([name, old]) => {
      const now = after.get(name)
      return now === undefined ? [] : [[name, old, now] as const]
    }),
  }
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function serdesOf({ key, value }: Serdes): Serdes {
  return { key, value }
}

function compareSources(before: Parts, after: Parts, add: Add): void {
  const { removed, added, common } = difference(before.sources, after.sources)
  for (const [topic] of removed) add('source-removed', topic, topic)
  for (const [topic, { offsetReset }] of added) add('source-added', topic, null, { topic, offsetReset })
  for (const [topic, old, now] of common) {
    if (!isSame(serdesOf(old), serdesOf(now)))
      add('source-serde-changed', topic, serdesOf(old), serdesOf(now))
    if (!isSame(old.offsetReset, now.offsetReset))
      add('source-offset-reset-changed', topic, old.offsetReset, now.offsetReset)
  }
}

function compareRepartitions(before: Parts, after: Parts, add: Add): void {
  const { removed, added, common } = difference(before.byName('repartition'), after.byName('repartition'))
  for (const [name, { topics }] of removed) add('repartition-removed', name, topics?.[0])
  for (const [name, { topics }] of added) add('repartition-added', name, null, topics?.[0])
  for (const [name, { settings: old }, { settings: now }] of common) {
    const serdes = ({ key, value }: typeof old): Serdes => ({ key, value })
    if (!isSame(serdes(old), serdes(now))) add('repartition-serde-changed', name, serdes(old), serdes(now))
    // As many as the sources have: a topic that exists is taken as it is.
    if (old['partitions'] !== now['partitions'] && typeof now['partitions'] === 'number')
      add('repartition-partitions-changed', name, old['partitions'], now['partitions'])
  }
}

function memoryOf(step: StepDescription): string | undefined {
  const memory = step.settings['memory']
  return typeof memory === 'string' ? memory : undefined
}

function compareMemories(before: Parts, after: Parts, add: Add): void {
  const { removed, common } = difference(before.byName('deliver'), after.byName('deliver'))
  for (const [name, step] of removed) {
    const memory = memoryOf(step)
    // A step with another name may go on with it.
    const heir = after.of('deliver').some(other => memoryOf(other) === memory)
    if (memory !== undefined && !heir) add('memory-removed', name, memory)
  }
  for (const [name, old, now] of common) {
    const [from, to] = [memoryOf(old), memoryOf(now)]
    if (from === to) continue
    if (to === undefined) add('memory-removed', name, from)
    else if (from === undefined) add('memory-added', name, null, to)
    else add('memory-moved', name, from, to)
  }
  for (const { name, memory, sources } of memoriesIn(after)) {
    const old = memoriesIn(before).find(each => each.memory === memory)
    if (old !== undefined && !isSame(old.sources, sources))
      add('memory-tasks-changed', name, old.sources, sources)
  }
}

function memoriesIn({ description }: Parts): readonly {
  readonly name: string
  readonly memory: string
  readonly sources: readonly string[]
}[] {
  return description.subTopologies.flatMap(part =>
    part.steps.flatMap(step => {
      const memory = memoryOf(step)
      return memory === undefined ? [] : [{ name: step.name, memory, sources: sourceTopics(part) }]
    }),
  )
}

function sourceTopics({ sources }: SubTopologyDescription): readonly string[] {
  return sources.map(({ topic }) => topic).toSorted()
}

function compareTables(before: Parts, after: Parts, add: Add): void {
  const { removed, added, common } = difference(before.tables, after.tables)
  for (const [name, { topic }] of removed) add('table-removed', name, topic)
  for (const [name, { topic }] of added) add('table-added', name, null, topic)
  for (const [name, old, now] of common) {
    if (old.topic !== now.topic) add('table-topic-changed', name, old.topic, now.topic)
    else if (!isSame(serdesOf(old), serdesOf(now)))
      add('table-serde-changed', name, serdesOf(old), serdesOf(now))
    if (old.scope !== now.scope) add('table-scope-changed', name, old.scope, now.scope)
  }
}

function compareSinks(before: Parts, after: Parts, add: Add): void {
  const { removed, added, common } = difference(before.sinks, after.sinks)
  for (const [topic] of removed) add('sink-topic-removed', topic, topic)
  for (const [topic] of added) add('sink-topic-added', topic, null, topic)
  for (const [topic, old, now] of common) if (!isSame(old, now)) add('sink-serde-changed', topic, old, now)
}

function compareJoins(before: Parts, after: Parts, add: Add): void {
  const { removed, added, common } = difference(before.byName('join'), after.byName('join'))
  const shown = ({ table, settings }: StepDescription): unknown => ({ table, ...settings })
  for (const [name, step] of removed) add('join-removed', name, shown(step))
  for (const [name, step] of added) add('join-added', name, null, shown(step))
  for (const [name, old, now] of common)
    if (!isSame(shown(old), shown(now))) add('join-changed', name, shown(old), shown(now))
}

function compareDeliveries(before: Parts, after: Parts, add: Add): void {
  const { removed, added, common } = difference(before.byName('deliver'), after.byName('deliver'))
  const shown = ({ settings: { memory: _memory, ...settings } }: StepDescription): unknown => settings
  for (const [name, step] of removed) add('delivery-removed', name, shown(step))
  for (const [name, step] of added) add('delivery-added', name, null, shown(step))
  for (const [name, old, now] of common)
    if (!isSame(shown(old), shown(now))) add('delivery-changed', name, shown(old), shown(now))
}

/** Kinds whose changes are told by themselves. */
const TOLD: ReadonlySet<string> = new Set(['repartition', 'sink', 'join', 'deliver'])

function compareShape(before: Parts, after: Parts, add: Add): void {
  const cut = ({ description }: Parts): readonly (readonly string[])[] =>
    description.subTopologies.map(sourceTopics).toSorted((a, b) => (a.join() < b.join() ? -1 : 1))
  if (!isSame(cut(before), cut(after)))
    add('sub-topologies-changed', after.description.name, cut(before), cut(after))
  const plain = (parts: Parts): ReadonlyMap<string, StepDescription> =>
    new Map([...parts.steps].filter(([, { kind }]) => !TOLD.has(kind)))
  const { removed, added, common } = difference(plain(before), plain(after))
  const shown = ({ name, kind, settings, inputs }: StepDescription): unknown => ({
    name,
    kind,
    inputs,
    ...settings,
  })
  const changed = common.filter(([, old, now]) => !isSame(shown(old), shown(now)))
  if (removed.length + added.length + changed.length === 0) return
  add(
    'steps-changed',
    after.description.name,
    [...removed.map(([, step]) => shown(step)), ...changed.map(([, old]) => shown(old))],
    [...added.map(([, step]) => shown(step)), ...changed.map(([, , now]) => shown(now))],
  )
}
