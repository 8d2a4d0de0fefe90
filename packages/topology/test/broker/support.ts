import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { createApp, partitionForKey } from '@tributary/topology'
import type { App, AppConfig, KafkaClient, Topology } from '@tributary/topology'
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts'
import { RecordCursor } from '../../src/wire/record-batch-reader.ts'
import { brokers, createBrokerClient } from './kafka-tools.ts'

/* What tests of whole applications on a real broker share: texts put into topics, and read out of them as they come. */

export interface TextRecord {
  readonly key: string
  readonly value: string
}

export function openClient(t: TestContext): KafkaClient {
  const kafka = createBrokerClient()
  t.after(() => kafka.close())
  return kafka
}

/** An application id, and so a group, of the test's own. */
export function freshId(name: string): string {
  return `${name}-${randomUUID().slice(0, 8)}`
}

/** Resolves when the broker has all records, each where murmur2 puts its key. */
export async function put(
  kafka: KafkaClient,
  { topic, partitions }: { readonly topic: string; readonly partitions: number },
  records: readonly (readonly [key: string, value: string | null])[],
): Promise<void> {
  const producer = await kafka.createProducer()
  const writers = new Map<number, RecordBatchWriter>()
  for (const [key, value] of records) {
    const bytes = Buffer.from(key)
    const partition = partitionForKey(bytes, 0, bytes.length, partitions)
    const writer = writers.get(partition) ?? new RecordBatchWriter()
    writers.set(partition, writer)
    writer.append({
      key: bytes,
      value: value === null ? null : Buffer.from(value),
      timestampMs: Date.now(),
      headers: [],
    })
  }
  await Promise.all(
    [...writers].map(([partition, writer]) => {
      const recordCount = writer.count
      return producer.send({ topic, partition, records: writer.seal(), recordCount })
    }),
  )
  await producer.close()
}

/** Everything in a topic so far, and what comes while the test runs. */
export function follow(
  t: TestContext,
  kafka: KafkaClient,
  { topic, partitions }: { readonly topic: string; readonly partitions: number },
): readonly TextRecord[] {
  const seen: TextRecord[] = []
  const fetcher = kafka.createFetcher({ maxWaitMs: 50 })
  t.after(() => fetcher.close())
  const cursor = new RecordCursor()
  for (let partition = 0; partition < partitions; partition += 1) {
    fetcher.assign({ topic, partition }, 0, {
      onBatch: batch => {
        cursor.reset(batch.records, batch.startOffset)
        while (cursor.next()) {
          const { buffer, keyStart, keyEnd, valueStart, valueEnd } = cursor
          seen.push({
            key: buffer.toString('utf8', keyStart, keyEnd),
            value: buffer.toString('utf8', valueStart, valueEnd),
          })
        }
      },
      onError: (_, error) => assert.fail(error),
    })
  }
  return seen
}

/** A running instance, closed after the test unless the test does. */
export async function start(t: TestContext, built: Topology, config: Partial<AppConfig> = {}): Promise<App> {
  const app = createApp(built, { kafka: { brokers }, commitIntervalMs: 100, fetchWaitMs: 100, ...config })
  t.after(() => app.close().catch(() => undefined))
  await app.start()
  return app
}

export function assertAscending(numbers: readonly number[], message: string): void {
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
    message,
  )
}
