import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { avro, HttpSchemaRegistry, string, type Serde } from '@tributary/topology'
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts'
import { partitionForKey } from '../../src/wire/murmur2.ts'
import { tributary, type Outcome } from '../cli/dlq-support.ts'
import { brokers, skip as noBroker } from './kafka-tools.ts'
import { freshId, openClient } from './support.ts'

const registryUrl = process.env['SCHEMA_REGISTRY_URL'] ?? ''
const skip = noBroker || (registryUrl === '' ? 'SCHEMA_REGISTRY_URL names no registry' : false)
const PARTITIONS = 3

const person = avro({
  type: 'record',
  name: 'com.example.Person',
  fields: [
    { name: 'email', type: 'string' },
    { name: 'born', type: 'long' },
  ],
})
const personKey = avro({
  type: 'record',
  name: 'com.example.PersonKey',
  fields: [
    { name: 'shop', type: 'int' },
    { name: 'id', type: 'string' },
  ],
})

interface Table<K> {
  readonly topic: string
  put(key: K, value: { email: string; born: number } | null, partition?: number): Promise<void>
  get(key: string, ...args: readonly string[]): Promise<Record<string, unknown> & { readonly code: number }>
}

async function table<K>(t: TestContext, key: Serde<K>): Promise<Table<K>> {
  const kafka = openClient(t)
  const topic = freshId('cli-table')
  const registry = new HttpSchemaRegistry({ url: registryUrl })
  await kafka.admin.createTopics([
    { name: topic, partitions: PARTITIONS, config: { 'cleanup.policy': 'compact' } },
  ])
  const uses = { read: false, write: true }
  const keys = await key.open({ topic, part: 'key', uses, registry })
  const values = await person.open({ topic, part: 'value', uses, registry })
  const producer = await kafka.createProducer()
  t.after(() => producer.close())
  return {
    topic,
    async put(name, value, partition) {
      const bytes = Buffer.from(keys.encode(name))
      const writer = new RecordBatchWriter()
      const encoded = value === null ? null : Buffer.from(values.encode(value))
      writer.append({ key: bytes, value: encoded, timestampMs: 1_700_000_000_000, headers: [] })
      await producer.send({
        topic,
        partition: partition ?? partitionForKey(bytes, 0, bytes.length, PARTITIONS),
        records: writer.seal(),
        recordCount: 1,
      })
    },
    async get(name, ...args) {
      const connection = ['--brokers', brokers.join(','), '--registry', registryUrl]
      const { code, out, err } = await tributary([
        'tables',
        'get',
        topic,
        name,
        '--json',
        ...connection,
        ...args,
      ])
      assert.equal(err, '')
      return { ...(JSON.parse(out) as Record<string, unknown>), code }
    },
  }
}

test('tables get answers with the last row of a key, decoded, and where it stands', { skip }, async t => {
  const people = await table(t, string())
  await people.put('p1', { email: 'old@example.com', born: 1 })
  await people.put('p2', { email: 'bob@example.com', born: 2 })
  await people.put('p1', { email: 'ada@example.com', born: 1815 })
  await people.put('p3', { email: 'gone@example.com', born: 3 })
  await people.put('p3', null)
  const row = await people.get('p1')
  assert.deepEqual(row['row'], { email: 'ada@example.com', born: 1815 })
  assert.deepEqual(
    [row.code, row['state'], row['schema'], row['timestampMs'], row['keyType']],
    [0, 'row', 'com.example.Person', 1_700_000_000_000, 'string'],
  )
  assert.equal(row['partition'], row['homePartition'])
  const deleted = await people.get('p3')
  assert.deepEqual([deleted.code, deleted['state'], typeof deleted['offset']], [3, 'tombstone', 'number'])
  const unknown = await people.get('p9')
  assert.deepEqual([unknown.code, unknown['state'], unknown['offset']], [3, 'never-seen', null])
  assert.deepEqual((await people.get('p1', '--masked'))['row'], { email: '‹text, 15›', born: '‹number›' })

  const connection = ['--brokers', brokers.join(','), '--registry', registryUrl]
  const { out } = await tributary(['tables', 'get', people.topic, 'p1', ...connection])
  assert.match(
    out,
    /^p1: cli-table-\S+-\d@\d+, 2023-11-14T22:13:20.000Z, com\.example\.Person \(schema \d+\)\n\{\n/,
  )
  const gone = await tributary(['tables', 'get', people.topic, 'p3', ...connection])
  assert.match(gone.out, /^deleted: the last record of p3 is a tombstone, /)
})

test(
  'tables get finds a row where another partitioner has put it, and says that joins miss it',
  { skip },
  async t => {
    const people = await table(t, string())
    const home = partitionForKey(Buffer.from('p1'), 0, 2, PARTITIONS)
    const elsewhere = (home + 1) % PARTITIONS
    await people.put('p1', { email: 'ada@example.com', born: 1815 }, elsewhere)
    const found = await people.get('p1')
    assert.deepEqual([found.code, found['homePartition'], found['partition']], [0, home, elsewhere])
    const { out } = await tributary(['tables', 'get', people.topic, 'p1', '--brokers', brokers.join(',')])
    assert.match(out, new RegExp(`belongs to partition ${home} by murmur2 and lies in ${elsewhere}: joins`))
  },
)

test(
  'tables get knows an Avro key by the registry, in whatever order its fields are typed',
  { skip },
  async t => {
    const people = await table(t, personKey)
    await people.put({ shop: 7, id: 'p1' }, { email: 'ada@example.com', born: 1815 })
    await people.put({ shop: 8, id: 'p1' }, { email: 'bob@example.com', born: 2 })
    const row = await people.get('{"id":"p1","shop":7}')
    assert.deepEqual([row.code, row['keyType']], [0, 'avro'])
    assert.deepEqual(row['row'], { email: 'ada@example.com', born: 1815 })
    assert.equal((await people.get('{"id":"p1","shop":9}'))['state'], 'never-seen')
  },
)

function topologyModule(t: TestContext, id: string, fields: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'cli-schemas-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'topology.ts')
  writeFileSync(
    path,
    `import { avro, string, streamTopic, topology } from ${JSON.stringify(import.meta.resolve('@tributary/topology'))}
     const order = avro({ type: 'record', name: 'Order', fields: [{ name: 'orderId', type: 'string' }, { name: 'amount', type: 'double' }] })
     const result = avro({ type: 'record', name: 'Result', fields: ${fields} })
     const builder = topology(${JSON.stringify(id)})
     builder.stream(streamTopic(${JSON.stringify(`${id}-orders`)}, { key: string(), value: order }))
       .mapValues(value => value)
       .to(streamTopic(${JSON.stringify(`${id}-results`)}, { key: string(), value: result }))
     export const built = builder.build()`,
  )
  return path
}

test('schemas are compared with the registry, and registered where all of them fit', { skip }, async t => {
  const id = freshId('cli-schemas')
  const registry = new HttpSchemaRegistry({ url: registryUrl })
  const results = `${id}-results-value`
  await registry.setCompatibility(results, 'BACKWARD')
  const first = topologyModule(t, id, `[{ name: 'orderId', type: 'string' }]`)
  const schemas = (command: string, path: string, ...args: readonly string[]): Promise<Outcome> =>
    tributary(['schemas', command, path, '--registry', registryUrl, ...args])
  const states = async (path: string): Promise<readonly (readonly [string, string, readonly string[]])[]> => {
    const { out } = await schemas('check', path, '--json')
    const report = JSON.parse(out) as { schemas: { subject: string; state: string; changes: string[] }[] }
    return report.schemas.map(({ subject, state, changes }) => [subject.slice(id.length + 1), state, changes])
  }
  assert.deepEqual(await states(first), [
    ['orders-value', 'new', []],
    ['results-value', 'new', []],
  ])
  assert.equal(await registry.latest(results), undefined)

  const registered = await schemas('register', first)
  assert.match(
    registered.out,
    /^registered +cli-schemas-\S+-results-value \(schema \d+\)\n\n1 schema registered\.\n$/,
  )
  assert.equal((await registry.latest(`${id}-orders-value`)) === undefined, true)
  assert.match((await schemas('register', first)).out, /^as it was +[^]*0 schemas registered/)
  assert.deepEqual((await states(first))[1], ['results-value', 'registered', []])

  const second = topologyModule(
    t,
    id,
    `[{ name: 'orderId', type: 'string' }, { name: 'note', type: ['null', 'string'], default: null }]`,
  )
  assert.deepEqual((await states(second))[1], [
    'results-value',
    'compatible',
    ['+ note: a union of null, string, by default null'],
  ])
  assert.equal((await schemas('check', second)).code, 0)

  const third = topologyModule(t, id, `[{ name: 'orderId', type: 'int' }, { name: 'who', type: 'string' }]`)
  const checked = await schemas('check', third)
  assert.equal(checked.code, 3)
  assert.match(checked.out, /incompatible +cli-schemas-\S+-results-value, written\n/)
  assert.match(checked.out, / {13}orderId is written as string and read as int\n/)
  assert.match(checked.out, / {13}who is not in the writer's schema and has no default/)
  assert.match(checked.out, / {13}~ orderId: string → int\n/)
  assert.match(checked.out, /2 schemas: 1 would stop a start\n$/)
  const refused = await schemas('register', third, '--all')
  assert.equal(refused.code, 3)
  // The one that fits is not registered beside one that does not.
  assert.equal(await registry.latest(`${id}-orders-value`), undefined)

  await registry.register(
    `${id}-orders-value`,
    JSON.stringify({ type: 'record', name: 'Order', fields: [{ name: 'orderId', type: 'string' }] }),
  )
  const unreadable = await schemas('check', first)
  assert.equal(unreadable.code, 3)
  assert.match(
    unreadable.out,
    /incompatible +cli-schemas-\S+-orders-value, read\n {13}amount is not in the writer/,
  )
})
