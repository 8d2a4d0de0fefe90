import type { Random } from '../../demo/data/random.ts'
import type { DumpedRecord } from '../topic-dump.ts'

/** Names what is unusual about a record, for the judge; the service does not look at it. */
export const POISON_HEADER = 'chaos-poison'

/** What has to become of a record. */
export type Fate =
  | { readonly becomes: 'letter'; readonly code: string }
  /** As if nothing were unusual about it. */
  | { readonly becomes: 'processed' }
  /** Nothing comes of it, a dead letter neither. */
  | { readonly becomes: 'ignored' }

/** A domain event, or a row of a lookup topic. */
export type Part = 'event' | 'row'

const UNREADABLE: Fate = { becomes: 'letter', code: 'TOPOLOGY_DESERIALIZATION_FAILED' }
const PROCESSED: Fate = { becomes: 'processed' }
const IGNORED: Fate = { becomes: 'ignored' }

const everywhere = (fate: Fate): Readonly<Record<Part, Fate>> => ({ event: fate, row: fate })

/** By kind, as `docs/guide/dead-letters.md` says. */
const FATES = {
  'random bytes': everywhere(UNREADABLE),
  'too short': everywhere(UNREADABLE),
  'unknown schema': everywhere({ becomes: 'letter', code: 'TOPOLOGY_SCHEMA_UNKNOWN' }),
  truncated: everywhere(UNREADABLE),
  'wrong magic byte': everywhere(UNREADABLE),
  'huge length': everywhere(UNREADABLE),
  'huge block count': everywhere(UNREADABLE),
  'nearly 10 MB, truncated': everywhere(UNREADABLE),
  // A row of this size would make outputs that are too large of good events, so there is none.
  'nearly 10 MB': { event: { becomes: 'letter', code: 'TOPOLOGY_RECORD_TOO_LARGE' }, row: PROCESSED },
  'no key': { event: { becomes: 'letter', code: 'TOPOLOGY_KEY_MISSING' }, row: IGNORED },
  'negative timestamp': {
    event: { becomes: 'letter', code: 'TOPOLOGY_TIMESTAMP_INVALID' },
    row: PROCESSED,
  },
  // The broker's clock writes the output's timestamp here, so that its topic takes it.
  'future timestamp': everywhere(PROCESSED),
  'repeated headers': everywhere(PROCESSED),
  'newer schema': everywhere(PROCESSED),
} as const satisfies Readonly<Record<string, Readonly<Record<Part, Fate>>>>

export type PoisonKind = keyof typeof FATES

/** The kinds that are made all the time. */
export const POISON_KINDS: readonly SmallPoison[] = (Object.keys(FATES) as PoisonKind[]).filter(
  (kind): kind is SmallPoison => kind !== 'nearly 10 MB' && kind !== 'nearly 10 MB, truncated',
)

export type SmallPoison = Exclude<PoisonKind, 'nearly 10 MB' | 'nearly 10 MB, truncated'>

/** With their headers and the frame they stay under the 12 MB that the topics take. */
export const LARGE_BYTES = 9_900_000

/** No registry gives this id out. */
const UNKNOWN_SCHEMA_ID = 2_000_000_000
const DAY_MS = 86_400_000
const FRAME_BYTES = 5
const NO_ITEMS = Buffer.from([0])
/** 2^40 items. */
const HUGE_BLOCK = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x40])
const REPEATED_HEADERS: DumpedRecord['headers'] = [
  ['trace', Buffer.from('1')],
  ['trace', Buffer.from('2')],
  ['trace', null],
  ['', Buffer.alloc(0)],
]

export interface Sample {
  readonly key: Buffer | null
  readonly value: Buffer
  /** Of a writer's schema with an array of texts behind the fields of the sample's. */
  readonly newerSchemaId: number
}

export interface Poisoned {
  readonly key: Buffer | null
  readonly value: Buffer
  readonly headers: DumpedRecord['headers']
  /** Undefined: now. */
  readonly timestampMs: number | undefined
}

/** A record that is unusual, made from a good one. */
export function poisoned(kind: SmallPoison, sample: Sample, random: Random): Poisoned {
  return {
    key: kind === 'no key' ? null : sample.key,
    value: poisonValue(kind, sample, random),
    headers: [...poisonHeaders(kind), ...(random.chance(0.5) ? [] : REPEATED_HEADERS)],
    timestampMs: poisonTimestamp(kind, random),
    ...(kind === 'repeated headers' && { headers: [...poisonHeaders(kind), ...REPEATED_HEADERS] }),
  }
}

export function poisonHeaders(kind: PoisonKind): DumpedRecord['headers'] {
  return [[POISON_HEADER, Buffer.from(kind)]]
}

/** What has to become of a record. @throws Error for a kind that is none */
export function fateOf({ headers }: Pick<DumpedRecord, 'headers'>, part: Part): Fate {
  const kind = poisonKindOf({ headers })
  return kind === undefined ? PROCESSED : FATES[kind][part]
}

/** Undefined for a record with nothing unusual. */
export function poisonKindOf({ headers }: Pick<DumpedRecord, 'headers'>): PoisonKind | undefined {
  const kind = headers.find(([name]) => name === POISON_HEADER)?.[1]?.toString()
  if (kind === undefined || kind in FATES) return kind as PoisonKind | undefined
  throw new Error(`${POISON_HEADER} is '${kind}'; allowed are ${Object.keys(FATES).join(', ')}`)
}

function poisonTimestamp(kind: SmallPoison, random: Random): number | undefined {
  if (kind === 'negative timestamp') return -random.between(2, DAY_MS)
  return kind === 'future timestamp' ? Date.now() + random.between(2, 3_650) * DAY_MS : undefined
}

function poisonValue(kind: SmallPoison, { value, newerSchemaId }: Sample, random: Random): Buffer {
  switch (kind) {
    case 'random bytes':
      // The magic byte is none, so that no schema's rules can make sense of the rest.
      return Buffer.from(Array.from({ length: random.between(1, 64) }, () => random.between(1, 255)))
    case 'too short':
      return Buffer.from([0, 0, 0])
    case 'unknown schema':
      return withSchema(value, UNKNOWN_SCHEMA_ID)
    case 'truncated':
      return truncated(value)
    case 'wrong magic byte': {
      const wrong = Buffer.from(value)
      wrong[0] = 7
      return wrong
    }
    case 'huge length':
      // The first field of every record here is a text: one of eight quintillion characters.
      return Buffer.concat([
        value.subarray(0, FRAME_BYTES),
        Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
      ])
    case 'huge block count':
      return Buffer.concat([withSchema(value, newerSchemaId), HUGE_BLOCK])
    case 'newer schema':
      return Buffer.concat([withSchema(value, newerSchemaId), NO_ITEMS])
    case 'no key':
    case 'negative timestamp':
    case 'future timestamp':
    case 'repeated headers':
      return value
  }
}

export function truncated(value: Buffer): Buffer {
  return Buffer.from(value.subarray(0, value.length - 1))
}

function withSchema(value: Buffer, schemaId: number): Buffer {
  const changed = Buffer.from(value)
  changed.writeUInt32BE(schemaId, 1)
  return changed
}
