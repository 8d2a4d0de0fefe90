import type { FetchedBatch, KafkaClient } from '../../client/ports.ts'
import type { CompiledTable, CompiledTopology, TableReader } from '../../plan/compiled.ts'
import type { NodeId } from '../../plan/node.ts'
import { RowWatches } from '../../runtime/tables/row-watches.ts'
import { createGlobalReader, createPartitionReader } from '../../runtime/tables/table-reader.ts'
import { TableRows, type TableCodecs, type TableParts } from '../../runtime/tables/table-rows.ts'
import { SchemaNotLoaded } from '../../serde/serde.ts'
import type { SchemaRegistry } from '../../serde/schema-registry.ts'
import { TopologyError } from '../../errors.ts'
import { partitionForKey } from '../../wire/murmur2.ts'
import { RecordCursor } from '../../wire/record-batch-reader.ts'
import type { CliContext } from '../context.ts'
import { snapshot } from '../json.ts'
import { Progress } from '../progress.ts'
import { openFetcher, type PartitionRange, PartitionStream, rangesOf } from '../read-topic.ts'
import { tablesOf } from './traced-chain.ts'
import type { RowPlace, Tracer } from './tracer.ts'

export interface LoadedTable {
  readonly table: string
  readonly topic: string
  readonly partitions: readonly number[]
  readonly rows: number
  readonly malformed: number
}

interface Parts {
  readonly kafka: KafkaClient
  readonly registry: SchemaRegistry | undefined
  readonly context: CliContext
}

/** The rows that tables have now, of the partitions that a record's task would have, and where each stands. */
export class CurrentTables {
  readonly #tables: ReadonlyMap<NodeId, CurrentTable>

  constructor(topology: CompiledTopology, parts: Parts) {
    const all = [...topology.globalTables, ...topology.subTopologies.flatMap(({ tables }) => tables)]
    this.#tables = new Map(all.map(table => [table.node, new CurrentTable(table, parts)]))
  }

  /** Loads what the task of this number looks up, unless it is there already. */
  async load(chain: CompiledTopology['subTopologies'][number], partition: number): Promise<void> {
    for (const id of tablesOf(chain)) await this.#tables.get(id)?.load(partition)
  }

  reader(id: NodeId, partition: number, tracer: Tracer): TableReader {
    const table = this.#tables.get(id)
    if (table === undefined) throw new TopologyError('TOPOLOGY_PLAN_INVALID', `There is no table ${id}`)
    return table.reader(partition, tracer)
  }

  get loaded(): readonly LoadedTable[] {
    return [...this.#tables.values()]
      .map(table => table.summary)
      .filter(({ partitions }) => partitions.length > 0)
  }
}

interface LoadedPartition {
  readonly partition: number
  readonly rows: TableRows
  /** By the key as a reader encodes it. */
  readonly places: Map<string, RowPlace>
}

class CurrentTable {
  readonly #table: CompiledTable
  readonly #parts: Parts
  readonly #partitions = new Map<number, LoadedPartition>()
  #shared: TableParts | undefined
  #ranges: readonly PartitionRange[] = []
  #malformed = 0

  constructor(table: CompiledTable, parts: Parts) {
    this.#table = table
    this.#parts = parts
  }

  get summary(): LoadedTable {
    const { name: table, topic } = this.#table
    const rows = [...this.#partitions.values()].reduce((sum, part) => sum + part.rows.store.rows, 0)
    const partitions = [...this.#partitions.keys()].toSorted((a, b) => a - b)
    return { table, topic, partitions, rows, malformed: this.#malformed }
  }

  async load(partition: number): Promise<void> {
    const { topic, scope } = this.#table
    if (this.#shared === undefined) {
      this.#ranges = await rangesOf(this.#parts.kafka, topic)
      this.#shared = {
        codecs: await this.#openCodecs(),
        placement: { partitions: this.#ranges.length, misplaced: 0 },
        watches: new RowWatches(),
        isMemory: false,
      }
    }
    const wanted = this.#ranges.filter(
      range =>
        (scope === 'global' || range.partition === partition) && !this.#partitions.has(range.partition),
    )
    const total = wanted.reduce((sum, { from, to }) => sum + to - from, 0)
    const progress = new Progress(this.#parts.context, `Loading ${topic}`, total)
    const fetcher = openFetcher(this.#parts.kafka)
    try {
      for (const range of wanted) {
        const { partition: number } = range
        const loaded = { partition: number, rows: new TableRows(this.#shared, number), places: new Map() }
        this.#partitions.set(number, loaded)
        const stream = new PartitionStream(fetcher, topic, range, this.#parts.context.signal)
        for (let batch = await stream.nextBatch(); batch !== undefined; batch = await stream.nextBatch())
          progress.add(await this.#apply(batch, range, loaded))
      }
    } finally {
      await fetcher.close()
    }
  }

  /** The runtime's own reader, and what it found told to the tracer. */
  reader(partition: number, tracer: Tracer): TableReader {
    const { scope, name, topic } = this.#table
    const shared = this.#shared as TableParts
    const readable = this.#ranges.map(range => ({
      store: this.#partitions.get(range.partition)?.rows.store,
      unreadable: () => new TopologyError('TOPOLOGY_STATE_INVALID', `${topic} was not loaded`),
    }))
    const own = readable[partition]
    if (scope === 'partitioned' && own === undefined)
      throw new TopologyError('TOPOLOGY_PARTITION_COUNT_MISMATCH', `${topic} has no partition ${partition}`)
    const reader =
      scope === 'global' ? createGlobalReader(shared, readable) : createPartitionReader(shared, own as never)
    return {
      get: key => {
        const row = reader.get(key)
        const place = row === undefined ? null : this.#placeOf(key, partition)
        tracer.note({
          kind: 'row',
          table: name,
          topic,
          key: snapshot(key),
          row: row === undefined ? null : snapshot(row),
          place,
        })
        return row
      },
      watch: () => () => undefined,
    }
  }

  async #openCodecs(): Promise<TableCodecs> {
    const { topic, key, value } = this.#table
    const { registry } = this.#parts
    const uses = { read: true, write: false }
    return {
      key: await key.open({ topic, part: 'key', uses, registry }),
      value: await value.open({ topic, part: 'value', uses, registry }),
    }
  }

  async #apply(batch: FetchedBatch, { from, to }: PartitionRange, loaded: LoadedPartition): Promise<number> {
    const cursor = new RecordCursor()
    cursor.reset(batch.records, Math.max(batch.startOffset, from))
    let count = 0
    while (cursor.next() && cursor.offset < to) {
      count += 1
      try {
        await this.#applyOne(cursor, loaded)
      } catch (error) {
        if (!TopologyError.is(error) || error.code === 'TOPOLOGY_REGISTRY_UNAVAILABLE') throw error
        // As the application does: a row that cannot be read is a dead letter, and the row before it stays.
        this.#malformed += 1
      }
    }
    return count
  }

  async #applyOne(cursor: RecordCursor, { partition, rows, places }: LoadedPartition): Promise<void> {
    for (;;) {
      try {
        rows.apply(cursor)
        break
      } catch (error) {
        if (!(error instanceof SchemaNotLoaded)) throw error
        await error.load()
      }
    }
    const { buffer, keyStart, keyEnd, valueStart, offset, timestampMs } = cursor
    if (keyStart < 0) return
    const codec = (this.#shared as TableParts).codecs.key
    const key = codec.isByteStable
      ? buffer.subarray(keyStart, keyEnd)
      : codec.encode(codec.decode(buffer, keyStart, keyEnd))
    if (valueStart < 0) places.delete(idOf(key))
    else places.set(idOf(key), { partition, offset, timestampMs })
  }

  /** Looks where the reader does: a global table's key first where it belongs, then anywhere. */
  #placeOf(key: unknown, partition: number): RowPlace | null {
    const bytes = (this.#shared as TableParts).codecs.key.encode(key)
    const id = idOf(bytes)
    const isGlobal = this.#table.scope === 'global'
    const first = isGlobal ? partitionForKey(bytes, 0, bytes.length, this.#ranges.length) : partition
    const own = this.#partitions.get(first)?.places.get(id)
    if (own !== undefined || !isGlobal) return own ?? null
    for (const { places } of this.#partitions.values()) {
      const place = places.get(id)
      if (place !== undefined) return place
    }
    return null
  }
}

function idOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
}
