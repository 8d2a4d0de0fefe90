import { setImmediate } from 'node:timers'
import type { Fetcher, KafkaClient } from '../../client/ports.ts'
import { systemClock, type Clock } from '../../clock.ts'
import { TopologyError } from '../../errors.ts'
import type { CompiledTable, TableReader } from '../../plan/compiled.ts'
import type { NodeId } from '../../plan/node.ts'
import type { SchemaRegistry } from '../../serde/schema-registry.ts'
import type { DeadLetter } from '../dead-letter.ts'
import type { MemoryRows } from '../delivery/lane-memory.ts'
import { TableFeed, type FedTable, type FeedServices } from './table-feed.ts'
import { RowWatches } from './row-watches.ts'
import { createGlobalReader, createPartitionReader } from './table-reader.ts'
import type { TableCodecs } from './table-rows.ts'
import { worstState } from './table-state.ts'
import type { MalformedRowPolicy, TableEvents, TablePartitionStats, Tables, TableStats } from './tables.ts'
import { WorkSlices } from './work-slices.ts'

export interface TablesOptions {
  readonly client: KafkaClient
  /** All tables of the application, global ones included. */
  readonly tables: readonly CompiledTable[]
  readonly registry: SchemaRegistry | undefined
  /** Resolves when the dead-letter topic has it. The table waits for that. */
  readonly deadLetter: (letter: DeadLetter) => Promise<void>
  /** Default: dead-letter. */
  readonly onMalformedRow?: MalformedRowPolicy
  /** After so long without an applied response a live table is stale, in milliseconds. Default 30,000. */
  readonly staleAfterMs?: number
  /** A table that needs more memory for its rows fails. Default: no limit. */
  readonly maxTableBytes?: number
  readonly events?: TableEvents
  readonly clock?: Clock
  readonly random?: () => number
  /** Calls back once other events had their turn. Default: `setImmediate`. */
  readonly defer?: (turn: () => void) => void
}

interface TableEntry extends FedTable {
  readonly feeds: Map<number, TableFeed>
  /** What was counted for partitions that were given up since: a total does not fall. */
  readonly retired: TableTotals
}

type TableTotals = { -readonly [Name in 'restarts' | 'nullKeys' | 'malformed']: number }

/**
 * Opens the serdes of all tables and looks at their topics; nothing is read before `loadGlobal` and `assign`.
 * @throws TOPOLOGY_TOPIC_MISSING, and what the serdes' `open` throws.
 */
export async function createTables(options: TablesOptions): Promise<Tables> {
  const topics = await options.client.admin.describeTopics(options.tables.map(table => table.topic))
  const missing = options.tables.filter((_, i) => topics[i] === undefined)
  if (missing.length > 0) {
    const names = missing.map(table => `"${table.topic}" of table "${table.name}"`)
    throw new TopologyError('TOPOLOGY_TOPIC_MISSING', `There is no topic ${names.join(', no topic ')}`)
  }
  const codecs = await Promise.all(options.tables.map(table => openCodecs(table, options.registry)))
  const fetchers = fetchersOf(options)
  const entries = options.tables.map((table, i) =>
    createEntry(
      {
        table,
        codecs: codecs[i]!,
        placement: { partitions: topics[i]!.partitions, misplaced: 0 },
        watches: new RowWatches(),
        isMemory: table.isMemory === true,
        fetcher: fetchers[i]!,
      },
      options.maxTableBytes,
    ),
  )
  return new TableSet(entries, options)
}

/**
 * One fetcher for all tables, apart from the streams': while tables load they do not take turns with the streams that wait
 * for them. A fetcher reads a partition for one listener, so a second table of the same topic gets a second fetcher.
 */
function fetchersOf({ client, tables }: TablesOptions): readonly Fetcher[] {
  const created: Fetcher[] = []
  return tables.map(({ topic }, i) => {
    const before = tables.slice(0, i).filter(table => table.topic === topic).length
    created[before] ??= client.createFetcher({ isolation: 'read-committed' })
    return created[before]
  })
}

async function openCodecs(table: CompiledTable, registry: SchemaRegistry | undefined): Promise<TableCodecs> {
  const uses = { read: true, write: table.isMemory === true }
  const context = { topic: table.topic, uses, registry }
  const [key, value] = await Promise.all([
    table.key.open({ ...context, part: 'key' }),
    table.value.open({ ...context, part: 'value' }),
  ])
  return { key, value }
}

function createEntry(fed: Omit<FedTable, 'overBudget'>, maxBytes: number | undefined): TableEntry {
  const { name, topic } = fed.table
  const feeds = new Map<number, TableFeed>()
  return {
    ...fed,
    feeds,
    retired: { restarts: 0, nullKeys: 0, malformed: 0 },
    overBudget() {
      if (maxBytes === undefined) return undefined
      let bytes = 0
      for (const feed of feeds.values()) bytes += feed.bytes
      if (bytes <= maxBytes) return undefined
      return new TopologyError(
        'TOPOLOGY_TABLE_FAILED',
        `Table "${name}" (${topic}) needs ${bytes} bytes for its rows; ${maxBytes} are allowed`,
      )
    },
  }
}

class TableSet implements Tables {
  readonly #entries: ReadonlyMap<NodeId, TableEntry>
  readonly #services: FeedServices
  #cancelCheck: () => void
  #isStopped = false

  constructor(entries: readonly TableEntry[], options: TablesOptions) {
    const clock = options.clock ?? systemClock
    this.#entries = new Map(entries.map(entry => [entry.table.node, entry]))
    this.#services = {
      admin: options.client.admin,
      clock,
      random: options.random ?? Math.random,
      slices: new WorkSlices(clock, options.defer ?? setImmediate),
      events: options.events ?? {},
      onMalformedRow: options.onMalformedRow ?? 'dead-letter',
      deadLetter: options.deadLetter,
      staleAfterMs: options.staleAfterMs ?? 30_000,
    }
    this.#cancelCheck = this.#scheduleCheck()
  }

  loadGlobal(): void {
    for (const entry of this.#entries.values()) {
      if (entry.table.scope === 'global') this.#feed(entry, range(entry.placement.partitions))
    }
  }

  assign(table: NodeId, partitions: readonly number[]): void {
    this.#feed(this.#entry(table), partitions)
  }

  revoke(table: NodeId, partitions: readonly number[]): void {
    const { feeds, retired } = this.#entry(table)
    for (const partition of partitions) {
      const feed = feeds.get(partition)
      if (feed === undefined) continue
      addTotals(retired, feed.stats())
      feed.stop()
      feeds.delete(partition)
    }
  }

  async whenLive(table: NodeId, partition?: number): Promise<void> {
    const entry = this.#entry(table)
    const isWhole = entry.table.scope === 'global' || partition === undefined
    const feeds = isWhole ? [...entry.feeds.values()] : [this.#assigned(entry, partition)]
    await Promise.all(feeds.map(feed => feed.whenLoaded))
  }

  reader(table: NodeId, partition: number): TableReader {
    const entry = this.#entry(table)
    if (entry.table.scope === 'partitioned')
      return createPartitionReader(entry, this.#assigned(entry, partition))
    const feeds = range(entry.placement.partitions).map(each => this.#assigned(entry, each))
    return createGlobalReader(entry, feeds)
  }

  memory(table: NodeId, partition: number): MemoryRows {
    const entry = this.#entry(table)
    const feed = this.#assigned(entry, partition)
    return {
      topic: entry.table.topic,
      codecs: entry.codecs,
      store() {
        if (feed.store === undefined) throw feed.unreadable()
        return feed.store
      },
    }
  }

  stats(): readonly TableStats[] {
    return [...this.#entries.values()].map(({ table, feeds, retired }) => {
      const partitions = [...feeds.values()].map(feed => feed.stats())
      const totals = { ...retired }
      for (const partition of partitions) addTotals(totals, partition)
      return {
        node: table.node,
        table: table.name,
        topic: table.topic,
        scope: table.scope,
        state: worstState(partitions.map(({ state }) => state)),
        rows: sum(partitions.map(({ rows }) => rows)),
        bytes: sum(partitions.map(({ bytes }) => bytes)),
        lag: sum(partitions.map(({ lag }) => lag)),
        stalenessMs: Math.max(0, ...partitions.map(({ stalenessMs }) => stalenessMs)),
        ...totals,
        partitions,
      }
    })
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#cancelCheck()
    for (const { feeds } of this.#entries.values()) {
      for (const feed of feeds.values()) feed.stop()
      feeds.clear()
    }
    const fetchers = new Set([...this.#entries.values()].map(({ fetcher }) => fetcher))
    await Promise.all([...fetchers].map(fetcher => fetcher.close()))
  }

  #feed(entry: TableEntry, partitions: readonly number[]): void {
    if (this.#isStopped) throw new TopologyError('TOPOLOGY_CLOSED', 'The tables are stopped')
    for (const partition of partitions) {
      if (entry.feeds.has(partition)) continue
      const feed = new TableFeed(entry, partition, this.#services)
      entry.feeds.set(partition, feed)
      feed.start()
    }
  }

  #entry(table: NodeId): TableEntry {
    const entry = this.#entries.get(table)
    if (entry !== undefined) return entry
    throw new TopologyError('TOPOLOGY_STATE_INVALID', `Node ${table} is not a table of this application`)
  }

  #assigned(entry: TableEntry, partition: number): TableFeed {
    const feed = entry.feeds.get(partition)
    if (feed !== undefined) return feed
    throw new TopologyError(
      'TOPOLOGY_STATE_INVALID',
      `Partition ${partition} of table "${entry.table.name}" (${entry.table.topic}) is not read here; ${[...entry.feeds.keys()].join(', ') || 'none'} are`,
    )
  }

  #scheduleCheck(): () => void {
    return this.#services.clock.schedule(this.#services.staleAfterMs / 4, () => {
      for (const { feeds } of this.#entries.values()) for (const feed of feeds.values()) feed.checkStaleness()
      this.#cancelCheck = this.#scheduleCheck()
    })
  }
}

function addTotals(totals: TableTotals, { restarts, nullKeys, malformed }: TablePartitionStats): void {
  totals.restarts += restarts
  totals.nullKeys += nullKeys
  totals.malformed += malformed
}

function range(end: number): readonly number[] {
  return Array.from({ length: end }, (_, i) => i)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
