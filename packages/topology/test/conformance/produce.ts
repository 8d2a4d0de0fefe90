import type { BatchProducer } from '../../src/client/ports.ts'
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts'

export interface Input {
  readonly value: string
  readonly timestampMs?: number
}

export function batchOf(inputs: readonly (Input | string)[]): {
  readonly records: Buffer
  readonly recordCount: number
} {
  const writer = new RecordBatchWriter(256)
  for (const input of inputs) {
    const { value, timestampMs = 1_700_000_000_000 } = typeof input === 'string' ? { value: input } : input
    writer.appendRecord(Buffer.from('key'), Buffer.from(value), timestampMs)
  }
  return { recordCount: inputs.length, records: writer.seal() }
}

/** Sends each value list as one batch, without waiting in between. What has been acknowledged is overwritten at once. */
export async function produce(
  producer: BatchProducer,
  target: { readonly topic: string; readonly partition: number },
  ...batches: readonly (readonly (Input | string)[])[]
): Promise<number[]> {
  return await Promise.all(
    batches.map(async batch => {
      const { records, recordCount } = batchOf(batch)
      const { baseOffset } = await producer.send({ ...target, records, recordCount })
      records.fill(0xee)
      return baseOffset
    }),
  )
}
