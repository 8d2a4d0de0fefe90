import type { CommitOffset, KafkaClient, TransactionalProducer } from '../../client/ports.ts'
import { systemClock, type Clock } from '../../clock.ts'
import { formatTopicPartition, type TopicPartition } from '../../record.ts'
import { batchBytesOf } from '../../runtime/output-limits.ts'
import { RecordBatchWriter } from '../../wire/record-batch-writer.ts'
import { factsOf, type LetterFacts } from './letter.ts'
import { OrderedReader } from './ordered-reader.ts'
import { openFetcher, readRecord, type StoredRecord } from '../read-topic.ts'
import type { Claim } from './replay-claim.ts'
import type { PlannedLetter, ReplayOrder, Targets } from './replay-plan.ts'
import type { PartitionProgress } from './replay-progress.ts'

const CHUNK_LETTERS = 500
const CHUNK_BYTES = 4 * 1_048_576
const BATCH_BYTES = 262_144
/** The broker ends a chunk that is not committed within it. */
const TRANSACTION_TIMEOUT_MS = 60_000

export interface PlayerOptions {
  readonly kafka: KafkaClient
  readonly topic: string
  readonly groupId: string
  readonly claim: Claim
  readonly targets: Targets
  readonly progress: ReadonlyMap<number, PartitionProgress>
  /** Records per second. */
  readonly rate: number | undefined
  readonly clock: Clock | undefined
  readonly signal: AbortSignal | undefined
}

export interface Played {
  readonly played: number
  /** Their values were left out, and the originals are gone. */
  readonly unplayable: readonly PlannedLetter[]
  readonly isInterrupted: boolean
}

interface Chunk {
  readonly records: Outgoing[]
  /** Done with once the chunk is in. */
  readonly letters: PlannedLetter[]
  bytes: number
}

interface Outgoing {
  readonly target: TopicPartition
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly timestampMs: number
  readonly headers: StoredRecord['headers']
}

/**
 * Plays letters chunk by chunk, each in a transaction with the progress that it makes: a chunk is there and noted as played,
 * or neither. An interruption takes effect between two chunks.
 */
export async function play(order: ReplayOrder, options: PlayerOptions): Promise<Played> {
  const { kafka, topic, groupId, signal, rate, clock = systemClock } = options
  const fetcher = openFetcher(kafka)
  const producer = await kafka.createTransactionalProducer({
    transactionalId: groupId,
    timeoutMs: TRANSACTION_TIMEOUT_MS,
  })
  const reader = new OrderedReader(fetcher, topic, order.ordered, signal)
  const unplayable: PlannedLetter[] = []
  const startedAtMs = clock.monotonicMs()
  let played = 0
  let done: readonly PlannedLetter[] = order.repeated
  try {
    for (let next = 0; next < order.ordered.length || done.length > 0;) {
      const chunk: Chunk = { records: [], letters: [...done], bytes: 0 }
      done = []
      const limit =
        rate === undefined ? CHUNK_LETTERS : Math.min(CHUNK_LETTERS, Math.max(1, Math.floor(rate / 2)))
      while (next < order.ordered.length && chunk.records.length < limit && chunk.bytes < CHUNK_BYTES) {
        const letter = order.ordered[next] as PlannedLetter
        next += 1
        const outgoing = await outgoingOf(await reader.take(letter), options)
        if (outgoing === undefined) unplayable.push(letter)
        else add(chunk, letter, outgoing)
      }
      if (rate !== undefined) await paced(startedAtMs + (played / rate) * 1_000, clock, signal)
      if (signal?.aborted === true) break
      if (chunk.letters.length === 0) continue
      await send(chunk, producer, options)
      played += chunk.records.length
    }
  } catch (error) {
    if (signal?.aborted !== true) throw error
  } finally {
    await producer.close()
    await fetcher.close()
  }
  return { played, unplayable, isInterrupted: signal?.aborted === true }
}

function add(chunk: Chunk, letter: PlannedLetter, outgoing: Outgoing): void {
  chunk.letters.push(letter)
  chunk.records.push(outgoing)
  chunk.bytes += batchBytesOf(outgoing.key, outgoing.value, outgoing.headers)
}

async function outgoingOf(
  record: StoredRecord | undefined,
  { kafka, targets, signal }: PlayerOptions,
): Promise<Outgoing | undefined> {
  if (record === undefined) return undefined
  const facts = factsOf(record)
  const original = await originalOf(record, facts, kafka, signal)
  if (original === undefined) return undefined
  const { key, value, headers } = original
  return { target: targets.placeOf(facts, key), key, value, timestampMs: facts.timestampMs, headers }
}

/** What was too large for the dead-letter topic is read where it came from, as long as it is there. */
async function originalOf(
  record: StoredRecord,
  facts: LetterFacts,
  kafka: KafkaClient,
  signal: AbortSignal | undefined,
): Promise<Pick<StoredRecord, 'key' | 'value' | 'headers'> | undefined> {
  if (facts.omittedValueBytes === undefined && !facts.isBare)
    return { key: record.key, value: record.value, headers: facts.originalHeaders }
  if (facts.source === undefined) return undefined
  const original = await readRecord(kafka, facts.source, signal)
  return original?.timestampMs === facts.timestampMs ? original : undefined
}

async function paced(dueAtMs: number, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  const waitMs = dueAtMs - clock.monotonicMs()
  if (waitMs > 0) await clock.sleep(waitMs, signal === undefined ? {} : { signal })
}

async function send(chunk: Chunk, producer: TransactionalProducer, options: PlayerOptions): Promise<void> {
  const { claim, topic, progress } = options
  claim.check()
  const offsets = Array.from(
    Map.groupBy(chunk.letters, ({ partition }) => partition),
    ([partition, letters]): CommitOffset => ({
      topic,
      partition,
      // Before anything is sent: progress that cannot be kept must not be made.
      ...(progress.get(partition) as PartitionProgress).after(letters.map(({ offset }) => offset)),
    }),
  )
  try {
    await Promise.all(batchesOf(chunk.records).map(batch => producer.send(batch)))
    await claim.member.commitThrough(offsets, member => producer.commitOffsets(offsets, member))
    await producer.commitTransaction()
  } catch (error) {
    await producer.abortTransaction().catch(() => undefined)
    throw error
  }
}

function batchesOf(
  records: readonly Outgoing[],
): (TopicPartition & { readonly records: Buffer; readonly recordCount: number })[] {
  const batches: (TopicPartition & { readonly records: Buffer; readonly recordCount: number })[] = []
  const byTarget = Map.groupBy(records, ({ target }) => formatTopicPartition(target.topic, target.partition))
  for (const members of byTarget.values()) {
    const writer = new RecordBatchWriter()
    const { target } = members[0] as Outgoing
    const seal = (): void => {
      const recordCount = writer.count
      if (recordCount > 0) batches.push({ ...target, records: writer.seal(), recordCount })
    }
    for (const { key, value, timestampMs, headers } of members) {
      if (writer.byteLength + batchBytesOf(key, value, headers) > BATCH_BYTES) seal()
      writer.appendRecord(key, value, timestampMs, headers)
    }
    seal()
  }
  return batches
}
