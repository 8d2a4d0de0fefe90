import { TopologyError } from '../errors.ts'
import type { CompiledTable, CompiledTopology, TableReader } from '../plan/compiled.ts'
import type { NodeId } from '../plan/node.ts'
import {
  createGlobalReader,
  createPartitionReader,
  type ReadableRows,
} from '../runtime/tables/table-reader.ts'
import type { MemoryRows } from '../runtime/delivery/lane-memory.ts'
import { RowWatches } from '../runtime/tables/row-watches.ts'
import { TableRows, type TableCodecs, type TableParts } from '../runtime/tables/table-rows.ts'
import type { SchemaRegistry } from '../serde/schema-registry.ts'
import type { TableTopic } from '../topic.ts'
import { partitionForKey } from '../wire/murmur2.ts'
import { RecordCursor } from '../wire/record-batch-reader.ts'
import { RecordBatchWriter } from '../wire/record-batch-writer.ts'

export interface TestTableTopic<K, V> {
  /** The row is there for every record that is put afterwards; records that were parked for it go on before the call returns. */
  put(key: K, row: V): void
  /** The row is gone for every record that is put afterwards. */
  tombstone(key: K): void
  readonly rows: number
}

/** The rows of one table, as the loader keeps them, without a loader. */
class TestTable {
  readonly table: CompiledTable
  readonly #parts: TableParts
  readonly #partitions: readonly TableRows[]
  readonly #cursor = new RecordCursor()

  constructor(table: CompiledTable, codecs: TableCodecs, partitions: number) {
    this.table = table
    this.#parts = {
      codecs,
      placement: { partitions, misplaced: 0 },
      watches: new RowWatches(),
      isMemory: table.isMemory === true,
    }
    this.#partitions = Array.from({ length: partitions }, (_, i) => new TableRows(this.#parts, i))
  }

  get rows(): number {
    return this.#partitions.reduce((sum, { store }) => sum + store.rows, 0)
  }

  reader(partition: number): TableReader {
    const readable: ReadableRows[] = this.#partitions.map(({ store }) => ({
      store,
      unreadable: neverUnreadable,
    }))
    return this.table.scope === 'global'
      ? createGlobalReader(this.#parts, readable)
      : createPartitionReader(this.#parts, readable[partition] as ReadableRows)
  }

  memory(partition: number): MemoryRows {
    const { store } = this.#partitions[partition] as TableRows
    return { topic: this.table.topic, codecs: this.#parts.codecs, store: () => store }
  }

  apply(key: unknown, row: unknown): void {
    const { codecs, watches } = this.#parts
    const keyBytes = codecs.key.encode(key)
    const partition = partitionForKey(keyBytes, 0, keyBytes.length, this.#partitions.length)
    const writer = new RecordBatchWriter()
    const value = row === null ? null : codecs.value.encode(row)
    writer.append({ key: keyBytes, value, timestampMs: 0, headers: [] })
    this.#cursor.reset(writer.seal(), 0)
    this.#cursor.next()
    this.#partitions[partition]?.apply(this.#cursor)
    watches.notify()
  }
}

function neverUnreadable(): TopologyError {
  return new TopologyError('TOPOLOGY_STATE_INVALID', 'A table of the test driver is always loaded')
}

/** The tables of a test driver. */
export class TestTables {
  readonly #tables: readonly TestTable[]

  private constructor(tables: readonly TestTable[]) {
    this.#tables = tables
  }

  static async open(
    topology: CompiledTopology,
    partitions: number,
    registry: SchemaRegistry,
  ): Promise<TestTables> {
    const compiled = new Map<NodeId, CompiledTable>()
    for (const table of [
      ...topology.globalTables,
      ...topology.subTopologies.flatMap(({ tables, memories }) => [...tables, ...memories]),
    ]) {
      compiled.set(table.node, table)
    }
    const opened = [...compiled.values()].map(async table => {
      const { topic } = table
      const uses = { read: true, write: true }
      const codecs: TableCodecs = {
        key: await table.key.open({ topic, part: 'key', uses, registry }),
        value: await table.value.open({ topic, part: 'value', uses, registry }),
      }
      return new TestTable(table, codecs, partitions)
    })
    return new TestTables(await Promise.all(opened))
  }

  reader(id: NodeId, partition: number): TableReader {
    return this.#table(id).reader(partition)
  }

  memory(id: NodeId, partition: number): MemoryRows {
    return this.#table(id).memory(partition)
  }

  #table(id: NodeId): TestTable {
    const table = this.#tables.find(candidate => candidate.table.node === id)
    if (table === undefined) throw new TopologyError('TOPOLOGY_PLAN_INVALID', `There is no table ${id}`)
    return table
  }

  /** `onChange`: a row has changed; those who wait for it know. */
  topic<K, V>(topic: TableTopic<K, V>, onChange: () => void): TestTableTopic<K, V> {
    const tables = this.#tables.filter(({ table }) => table.topic === topic.name)
    const [first] = tables
    if (first === undefined) {
      throw new TopologyError(
        'TOPOLOGY_TOPIC_MISSING',
        `The topology has no table of topic '${topic.name}'; it has ${this.#tables.map(({ table }) => table.topic).join(', ') || 'none'}`,
      )
    }
    return {
      put: (key, row) => {
        for (const table of tables) table.apply(key, row)
        onChange()
      },
      tombstone: key => {
        for (const table of tables) table.apply(key, null)
        onChange()
      },
      get rows() {
        return first.rows
      },
    }
  }
}
