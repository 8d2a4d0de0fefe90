import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { test, type TestContext } from 'node:test'
import { avro, HttpSchemaRegistry, string, streamTopic, topology } from '@tributary/topology'
import type { KafkaClient, RecordHeaders } from '@tributary/topology'
import { rangesOf, type StoredRecord, visitRecords } from '../../src/cli/read-topic.ts'
import { partitionForKey } from '../../src/wire/murmur2.ts'
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts'
import { until } from '../../../../test-support/until.ts'
import { letterHeaders, noise, tributary, type Outcome } from '../cli/dlq-support.ts'
import { brokers, skip, useQuickHeartbeats } from './kafka-tools.ts'
import { freshId, openClient, put, start } from './support.ts'

const PARTITIONS = 3
const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const registryUrl = process.env['SCHEMA_REGISTRY_URL']

function dlq(...args: readonly string[]): Promise<Outcome> {
  return tributary(['dlq', ...args, '--brokers', brokers.join(',')])
}

async function read(kafka: KafkaClient, topic: string): Promise<StoredRecord[]> {
  const records: StoredRecord[] = []
  const ranges = await rangesOf(kafka, topic)
  await visitRecords(kafka, { topic, ranges, signal: undefined }, record => void records.push(record))
  return records
}

interface Letters {
  readonly kafka: KafkaClient
  readonly source: string
  readonly letters: string
}

/** Dead letters of `count` records of three source partitions, over three partitions of the dead-letter topic. */
async function writeLetters(t: TestContext, count: number): Promise<Letters> {
  const kafka = openClient(t)
  const id = freshId('dlq')
  const [source, letters] = [`${id}-source`, `${id}-dead-letters`]
  await kafka.admin.createTopics([
    { name: source, partitions: PARTITIONS },
    { name: letters, partitions: PARTITIONS },
  ])
  const producer = await kafka.createProducer()
  const writers = Array.from({ length: PARTITIONS }, () => new RecordBatchWriter())
  const next = [0, 0, 0]
  for (let i = 0; i < count; i += 1) {
    const key = Buffer.from(`k${i % 17}`)
    const partition = partitionForKey(key, 0, key.length, PARTITIONS)
    const offset = next[partition] as number
    next[partition] = offset + 1
    writers[i % PARTITIONS]?.append({
      key,
      value: Buffer.from(`v${i}`),
      timestampMs: 1_700_000_000_000 + i,
      headers: letterHeaders({
        topic: source,
        partition,
        offset,
        headers: [['own', Buffer.from(String(i))]],
      }),
    })
  }
  for (const [partition, writer] of writers.entries()) {
    const recordCount = writer.count
    await producer.send({ topic: letters, partition, records: writer.seal(), recordCount })
  }
  await producer.close()
  return { kafka, source, letters }
}

/** Every record once, as it was, where its key belongs, and in the order of its source. */
function assertPlayed(records: readonly StoredRecord[], count: number): void {
  const numbers = records.map(({ value }) => Number(String(value).slice(1)))
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    Array.from({ length: count }, (_, i) => i),
  )
  for (const partition of [0, 1, 2]) {
    const own = records.filter(record => record.partition === partition)
    const order = own.map(({ value }) => Number(String(value).slice(1)))
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    )
    for (const [i, { key, timestampMs, headers }] of own.entries()) {
      assert.equal(key && partitionForKey(key, 0, key.length, PARTITIONS), partition)
      assert.equal(timestampMs, 1_700_000_000_000 + (order[i] as number))
      assert.deepEqual(headers, [['own', Buffer.from(String(order[i]))]])
    }
  }
}

test(
  'dead letters of an application are listed, shown and played back into one that was mended',
  { skip },
  async t => {
    const kafka = openClient(t)
    const id = freshId('dlq')
    const [source, results, letters] = [`${id}-words`, `${id}-results`, `${id}-dead-letters`]
    await kafka.admin.createTopics([
      { name: source, partitions: PARTITIONS },
      { name: results, partitions: PARTITIONS },
    ])
    const built = (shout: (word: string) => string): ReturnType<ReturnType<typeof topology>['build']> => {
      const builder = topology(id)
      const text = { key: string(), value: string() }
      builder.stream(streamTopic(source, text)).mapValues(shout).to(streamTopic(results, text))
      return builder.build()
    }
    const words = Array.from(
      { length: 60 },
      (_, i) => [`k${i % 7}`, i % 3 === 0 ? `bad${i}` : `w${i}`] as const,
    )
    await put(kafka, { topic: source, partitions: PARTITIONS }, words)
    const broken = await start(
      t,
      built(word => {
        if (word.startsWith('bad')) throw new RangeError('cannot shout that')
        return word.toUpperCase()
      }),
    )
    await until('all is processed', () => broken.stats().counters.consumed === 60)
    await broken.close()

    const { code, out } = await dlq('list', letters, '--json', '--limit', '1')
    const [line = '', counts] = out.trim().split('\n')
    assert.equal(code, 0)
    assert.deepEqual(JSON.parse(counts ?? ''), { total: 20, counts: { TOPOLOGY_PROCESSING_FAILED: 20 } })
    const first = JSON.parse(line) as {
      partition: number
      offset: number
      exception: string
      message: string
    }
    assert.equal(first.exception, 'RangeError')
    assert.match(first.message, /failed for \S+-words-\d@\d+: cannot shout that$/)
    const shown = await dlq('show', letters, `${first.partition}@${first.offset}`)
    assert.match(shown.out, /Caused by: RangeError: cannot shout that\n +at /)

    const mended = await start(
      t,
      built(word => word.toUpperCase()),
    )
    const played = await dlq('replay', letters, '--yes')
    assert.deepEqual([played.code, played.err], [0, ''])
    await until('the replayed records are through', async () => (await read(kafka, results)).length >= 60, {
      everyMs: 50,
    })
    assert.deepEqual(
      (await read(kafka, results)).map(({ value }) => String(value)).toSorted(),
      words.map(([, word]) => word.toUpperCase()).toSorted(),
    )
    for (const record of await read(kafka, source)) assert.deepEqual(record.headers, [])
    await mended.close()
    assert.match((await dlq('replay', letters, '--yes')).out, /to play +0 records/)
  },
)

test(
  'a replay that is killed again and again plays every record once and in order',
  { skip, timeout: 120_000 },
  async t => {
    const { kafka, source, letters } = await writeLetters(t, 400)
    const group = `tributary-dlq-replay-${letters}`
    const running = new Set<ChildProcess>()
    t.after(() => {
      for (const child of running) child.kill('SIGKILL')
    })
    const spawnReplay = (): ChildProcess => {
      const args = ['dlq', 'replay', letters, '--brokers', brokers.join(','), '--yes', '--rate', '40']
      const child = spawn(process.execPath, ['-C', '@tributary/source', main, ...args], { stdio: 'ignore' })
      running.add(child)
      child.once('exit', () => running.delete(child))
      return child
    }
    const count = async (): Promise<number> => (await read(kafka, source)).length
    // A killed replay holds its partitions until its session ends: 45 s by the broker's default.
    await useQuickHeartbeats(group, 5_000)

    const first = spawnReplay()
    const firstEnd = once(first, 'exit')
    await until('the first replay has begun', async () => (await count()) > 0, {
      timeoutMs: 30_000,
      everyMs: 20,
    })
    first.kill('SIGKILL')
    await firstEnd
    const afterKill = await count()
    assert.ok(afterKill < 400, `${afterKill} of 400 were played before the kill`)

    const second = spawnReplay()
    const secondEnd = once(second, 'exit')
    await until('the second replay has begun', async () => (await count()) > afterKill, {
      timeoutMs: 60_000,
      everyMs: 20,
    })
    second.kill('SIGINT')
    assert.deepEqual(await secondEnd, [130, null])
    const afterInterruption = await count()
    assert.ok(afterInterruption < 400, `${afterInterruption} of 400 were played before the interruption`)

    const { code, err } = await dlq('replay', letters, '--yes')
    assert.deepEqual([code, err], [0, ''])
    // A transaction's end is answered before its marker is in every partition.
    await until('all are visible', async () => (await count()) >= 400)
    assertPlayed(await read(kafka, source), 400)
  },
)

test('one replay of a topic runs at a time', { skip }, async t => {
  const { kafka, source, letters } = await writeLetters(t, 60)
  const interrupted = new AbortController()
  const run = (rate: string): Promise<Outcome> =>
    tributary(['dlq', 'replay', letters, '--brokers', brokers.join(','), '--yes', '--rate', rate], {
      signal: interrupted.signal,
    })
  const slow = run('2')
  await until('it has begun', async () => (await read(kafka, source)).length > 0, {
    timeoutMs: 30_000,
    everyMs: 20,
  })
  const other = run('2')
  const outcomes = await Promise.race([slow, other])
  assert.equal(outcomes.code, 1)
  assert.match(outcomes.err, /Another replay/)
  interrupted.abort()
  await Promise.all([slow, other])
  assert.equal((await dlq('replay', letters, '--yes')).code, 0)
  await until('all are visible', async () => (await read(kafka, source)).length >= 60)
  const values = (await read(kafka, source)).map(({ value }) => String(value))
  assert.equal(new Set(values).size, 60)
  assert.equal(values.length, 60)
})

test(
  'show decodes Avro by the registry, without the contents unless they are asked for',
  { skip: skip || (registryUrl === undefined ? 'SCHEMA_REGISTRY_URL names no registry' : false) },
  async t => {
    const kafka = openClient(t)
    const id = freshId('dlq-avro')
    const registry = new HttpSchemaRegistry({ url: registryUrl as string })
    const schema = {
      type: 'record',
      name: 'com.example.Person',
      fields: [
        { name: 'email', type: 'string' },
        { name: 'born', type: 'long' },
        { name: 'isMember', type: 'boolean' },
        { name: 'photo', type: 'bytes' },
      ],
    } as const
    const uses = { read: false, write: true }
    const codec = await avro(schema).open({ topic: id, part: 'value', uses, registry })
    const value = codec.encode({
      email: 'ada@example.com',
      born: 1815,
      isMember: true,
      photo: Buffer.from([1, 2]),
    })
    await kafka.admin.createTopics([{ name: id, partitions: 1 }])
    const headers: RecordHeaders = letterHeaders({ topic: 'people', partition: 0, offset: 3 })
    const producer = await kafka.createProducer()
    for (const bytes of [Buffer.from(value), Buffer.concat([Buffer.from(value), noise('x', 3)])]) {
      const writer = new RecordBatchWriter()
      writer.append({ key: Buffer.from('p1'), value: bytes, timestampMs: 1, headers })
      await producer.send({ topic: id, partition: 0, records: writer.seal(), recordCount: 1 })
    }
    const args = ['show', id, '0@0', '--registry', registryUrl as string]
    const masked = (await dlq(...args)).out
    assert.match(masked, /com\.example\.Person \(schema \d+\)/)
    assert.match(
      masked,
      /"email": "‹text, 15›",\s+"born": "‹number›",\s+"isMember": true,\s+"photo": "‹bytes, 2›"/,
    )
    assert.doesNotMatch(masked, /ada@example|1815/)
    const unmasked = (await dlq(...args, '--unmasked')).out
    assert.match(
      unmasked,
      /"email": "ada@example\.com",\s+"born": 1815,\s+"isMember": true,\s+"photo": "0x0102"/,
    )
    const broken = (await dlq('show', id, '0@1', '--registry', registryUrl as string)).out
    assert.match(broken, /cannot be decoded: .*3 bytes are left over/)
    assert.doesNotMatch(broken, /seen/)
  },
)
