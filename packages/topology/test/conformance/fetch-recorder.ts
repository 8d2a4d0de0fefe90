import type { FetchedBatch, FetchListener } from '../../src/client/ports.ts'
import type { TopicPartition } from '../../src/record.ts'
import { RecordCursor } from '../../src/wire/record-batch-reader.ts'

/** Listens to a fetcher, checks that every batch follows the last one, and keeps what the records say. */
export class FetchRecorder implements FetchListener {
  readonly values: string[] = []
  readonly offsets: number[] = []
  readonly batches: FetchedBatch[] = []
  readonly errors: Error[] = []
  position: number

  constructor(position: number) {
    this.position = position
  }

  onBatch(batch: FetchedBatch): void {
    if (batch.startOffset !== this.position)
      throw new Error(`A batch from ${batch.startOffset} came where ${this.position} was due`)
    this.position = batch.nextOffset
    this.batches.push(batch)
    const cursor = new RecordCursor()
    cursor.reset(batch.records, batch.startOffset)
    while (cursor.next()) {
      if (cursor.offset >= batch.nextOffset)
        throw new Error(`${cursor.offset} is not before ${batch.nextOffset}`)
      this.offsets.push(cursor.offset)
      this.values.push(cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd))
    }
  }

  onError(_partition: TopicPartition, error: Error): void {
    this.errors.push(error)
  }
}
