import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { TopologyError } from '../../../src/errors.ts'
import type { CompiledTable } from '../../../src/plan/compiled.ts'
import type { DeadLetter } from '../../../src/runtime/dead-letter.ts'
import { createTables, type TablesOptions } from '../../../src/runtime/tables/table-set.ts'
import type { TablePartitionStats, TableProgress, Tables } from '../../../src/runtime/tables/tables.ts'
import { SchemaNotLoaded, type Codec, type Serde } from '../../../src/serde/serde.ts'
import { string } from '../../../src/serde/primitives.ts'
import { createFakeClient, type FakeClient } from '../../../src/testing/fake-client.ts'
import { TestClock } from '../../../src/testing/test-clock.ts'

/** Turns of the event loop until the condition holds; a thousand turns are far more than anything here takes. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let turn = 0; turn < 1_000; turn += 1) {
    if (condition()) return
    await new Promise(resolve => setImmediate(resolve))
  }
  assert.fail(`never happened: ${what}`)
}

export function settledTurns(turns = 20): Promise<void> {
  let left = turns
  return until(() => (left -= 1) < 0, 'turns')
}

function textCodec(decode: (text: string) => string): Codec<string> {
  return {
    isByteStable: true,
    encode: value => Buffer.from(value),
    decode: (bytes, start, end) => decode(bytes.toString('utf8', start, end)),
  }
}

/** Text, but `poison…` can never be read. */
export function poisonable(): Serde<string> {
  const codec = textCodec(text => {
    if (text.startsWith('poison'))
      throw new TopologyError('TOPOLOGY_DESERIALIZATION_FAILED', `${text} is poison`)
    return text
  })
  return { name: 'poisonable', open: () => Promise.resolve(codec) }
}

/** Text of the form `schema:text`; the schema has to be loaded first, by `load`, which may fail. */
export function withSchemas(load: (schema: string) => Promise<void>): Serde<string> {
  const loaded = new Set<string>()
  const codec = textCodec(text => {
    const schema = text.split(':')[0]!
    if (loaded.has(schema)) return text
    throw new SchemaNotLoaded(0, async () => {
      await load(schema)
      loaded.add(schema)
    })
  })
  return { name: 'with schemas', open: () => Promise.resolve(codec) }
}

/** A key that carries a version in its bytes, `v1/ada` and `v2/ada` are the same key; it is written as `v9`. */
export function versionedKey(): Serde<string> {
  const codec: Codec<string> = {
    isByteStable: false,
    encode: value => Buffer.from(`v9/${value}`),
    decode: (bytes, start, end) => bytes.toString('utf8', start, end).split('/')[1]!,
  }
  return { name: 'versioned', open: () => Promise.resolve(codec) }
}

export function compiledTable(overrides: Partial<CompiledTable> = {}): CompiledTable {
  const serde = string() as Serde<unknown>
  return {
    node: 1,
    name: 'customers',
    topic: 'customers',
    scope: 'partitioned',
    key: serde,
    value: serde,
    ...overrides,
  }
}

export interface Setting {
  readonly kafka: FakeClient
  readonly clock: TestClock
  readonly tables: Tables
  readonly progress: TableProgress[]
  readonly retries: Error[]
  readonly failures: TopologyError[]
  readonly letters: DeadLetter[]
  partition(partition?: number, node?: number): TablePartitionStats
}

export type SettingOptions = Partial<Omit<TablesOptions, 'client' | 'tables' | 'events' | 'clock'>> & {
  readonly table?: Partial<CompiledTable>
  readonly moreTables?: readonly CompiledTable[]
  readonly partitions?: number
  readonly kafka?: FakeClient
}

/** One table over a fake Kafka whose topics have their rows already. */
export async function setUp(
  t: TestContext,
  fill: (kafka: FakeClient) => void,
  options: SettingOptions = {},
): Promise<Setting> {
  const { table, moreTables = [], partitions = 1, kafka: given, ...rest } = options
  const all = [compiledTable(table), ...moreTables]
  const topics = [...new Set(all.map(({ topic }) => topic))].map(name => ({ name, partitions }))
  const kafka = given ?? createFakeClient({ topics })
  fill(kafka)
  const clock = new TestClock()
  const progress: TableProgress[] = []
  const retries: Error[] = []
  const failures: TopologyError[] = []
  const letters: DeadLetter[] = []
  const tables = await createTables({
    client: kafka,
    tables: all,
    registry: undefined,
    clock,
    random: () => 1,
    deadLetter: letter => {
      letters.push(letter)
      return Promise.resolve()
    },
    events: {
      onProgress: event => progress.push(event),
      onRetry: (_, error) => retries.push(error),
      onFailure: (_, error) => failures.push(error),
    },
    ...rest,
  })
  t.after(() => tables.stop())
  return {
    kafka,
    clock,
    tables,
    progress,
    retries,
    failures,
    letters,
    partition(partition = 0, node = 1) {
      const stats = tables.stats().find(each => each.node === node)
      const found = stats?.partitions.find(each => each.partition === partition)
      assert.ok(found, `partition ${partition} of table ${node} is read`)
      return found
    },
  }
}

export function isCode(code: string, message?: RegExp): (error: unknown) => boolean {
  return error => {
    assert.ok(TopologyError.is(error), String(error))
    assert.equal(error.code, code, error.message)
    if (message !== undefined) assert.match(error.message, message)
    return true
  }
}
