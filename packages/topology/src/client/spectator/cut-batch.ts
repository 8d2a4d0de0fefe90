import type { FetchedBatch } from '../ports.ts'
import { BATCH_LOG_OVERHEAD } from '../../wire/batch-header.ts'
import { RecordCursor } from '../../wire/record-batch-reader.ts'

export interface Cut {
  readonly batch: FetchedBatch
  /** Records in it that were asked for. */
  readonly count: number
}

/**
 * The part of a response below the offset `to`, with at most `limit` records. What is behind it seems not to be there: the
 * position after the cut response is `to`, or the one behind the last record that the limit let through.
 */
export function cutBatch(batch: FetchedBatch, to: number, limit: number): Cut {
  const cursor = new RecordCursor()
  cursor.reset(batch.records, batch.startOffset)
  let count = 0
  let end = 0
  let last = batch.startOffset - 1
  while (count < limit && cursor.next() && cursor.offset < to) {
    count += 1
    // Headers are the last part of a record.
    end = cursor.headersEnd
    last = cursor.offset
  }
  const isWhole = count < limit && batch.nextOffset <= to
  if (isWhole) return { batch, count }
  const nextOffset = count < limit ? to : Math.min(to, last + 1)
  return { batch: { ...batch, records: shortened(batch.records, end), nextOffset }, count }
}

/** Whole batches up to the record that ends at `end`; the batch around it is made to end there. */
function shortened(records: Buffer, end: number): Buffer {
  if (end === 0) return records.subarray(0, 0)
  const copy = Buffer.from(records.subarray(0, end))
  let start = 0
  for (;;) {
    const next = start + BATCH_LOG_OVERHEAD + records.readInt32BE(start + 8)
    if (next >= end) break
    start = next
  }
  copy.writeInt32BE(end - start - BATCH_LOG_OVERHEAD, start + 8)
  copy.writeInt32BE(countUpTo(records, start, end), start + 57)
  // The last offset delta stays that of the whole batch, and the checksum, which is checked before, no longer fits.
  return copy
}

function countUpTo(records: Buffer, start: number, end: number): number {
  const cursor = new RecordCursor()
  const length = BATCH_LOG_OVERHEAD + records.readInt32BE(start + 8)
  cursor.reset(records.subarray(start, start + length), 0)
  let count = 0
  while (cursor.next() && start + cursor.headersEnd <= end) count += 1
  return count
}
