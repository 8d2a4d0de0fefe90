import type { Customer } from '@tributary/marketing-events'
import { Random } from './random.ts'

export interface MalformedRecord {
  readonly key: string
  readonly value: Buffer
  /** It is published behind so many events. */
  readonly behind: number
}

/** No registry gives this id out. */
const UNKNOWN_SCHEMA_ID = 2_000_000_000

/**
 * Records that no reader can decode, under the keys of customers who have events too.
 * @param sample a well-formed value, to make faulty ones from
 */
export function generateMalformed(options: {
  readonly seed: number
  readonly count: number
  readonly events: number
  readonly customers: readonly Customer[]
  readonly sample: Uint8Array
}): readonly MalformedRecord[] {
  const { seed, count, events, customers, sample } = options
  const random = new Random(seed, 'malformed')
  const records = Array.from({ length: count }, (_, index) => ({
    key: random.pick(customers).customerId,
    value: malformedValue(index, sample),
    behind: random.between(0, events),
  }))
  return records.toSorted((one, other) => one.behind - other.behind)
}

/** One kind after the other: no Avro at all, too short for a schema id, an unknown schema, a value that ends early. */
function malformedValue(index: number, sample: Uint8Array): Buffer {
  switch (index % 4) {
    case 0:
      return Buffer.from(`{"this":"is no Avro","number":${index}}`)
    case 1:
      return Buffer.from([0, 0, 0])
    case 2: {
      const unknown = Buffer.from(sample)
      unknown.writeUInt32BE(UNKNOWN_SCHEMA_ID, 1)
      return unknown
    }
    default:
      return Buffer.from(sample.subarray(0, sample.length - 3))
  }
}
