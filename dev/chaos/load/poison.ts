import type { Random } from '../../demo/data/random.ts'

/** Marks a record that no reader can decode, for the judge; the service does not look at it. */
export const POISON_HEADER = 'chaos-poison'

/** No registry gives this id out. */
const UNKNOWN_SCHEMA_ID = 2_000_000_000

export const POISON_KINDS = [
  'random bytes',
  'too short',
  'unknown schema',
  'truncated',
  'wrong magic byte',
  'huge length',
] as const

/** A value that cannot be decoded, made from one that can. */
export function poisonValue(kind: (typeof POISON_KINDS)[number], sample: Buffer, random: Random): Buffer {
  switch (kind) {
    case 'random bytes':
      // The magic byte is none, so that no schema's rules can make sense of the rest.
      return Buffer.from(Array.from({ length: random.between(1, 64) }, () => random.between(1, 255)))
    case 'too short':
      return Buffer.from([0, 0, 0])
    case 'unknown schema': {
      const unknown = Buffer.from(sample)
      unknown.writeUInt32BE(UNKNOWN_SCHEMA_ID, 1)
      return unknown
    }
    case 'truncated':
      return Buffer.from(sample.subarray(0, sample.length - 1))
    case 'wrong magic byte': {
      const wrong = Buffer.from(sample)
      wrong[0] = 7
      return wrong
    }
    case 'huge length':
      // The first field of every record here is a text: one of eight quintillion characters.
      return Buffer.concat([
        sample.subarray(0, 5),
        Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
      ])
  }
}
