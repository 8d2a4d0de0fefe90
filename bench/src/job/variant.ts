export type VariantName =
  | 'plain'
  | 'lz4'
  | 'zstd'
  | 'skewed'
  | 'large'
  | 'wide'
  | 'filtered'
  | 'left-join'
  | 'enriched'
  | 'partitions-24'

/**
 * `filtered`: 60 % of the bookings are dropped before the first join. `left-join`: half of the customers have no row.
 * `enriched`: an HTTP API is asked how many places are left before the event is made.
 */
export type Steps = 'plain' | 'filtered' | 'left-join' | 'enriched'

/** How a run differs from the plain job, in its input or in its steps. */
export interface Variant {
  readonly name: VariantName
  readonly title: string
  readonly partitions: number
  /** Of the input topics. What contestants write is not compressed. */
  readonly compression: 'none' | 'lz4' | 'zstd'
  /** A fifth of the bookings are one customer's, the others follow a power law. */
  readonly isSkewed: boolean
  /** `large`: about 1 KB. `wide`: 40 fields in the writer's schema, of which the job's own schema has 9. */
  readonly shape: 'plain' | 'large' | 'wide'
  readonly steps: Steps
  /** For measurements of growth: tables that are joined besides, each with the rows of the customers. */
  readonly extraTables: number
  /** For measurements of growth: steps that change nothing, before the event is made. */
  readonly extraSteps: number
  /** Without `--records`: as many as keep every contestant busy for some seconds at its usual speed. */
  readonly usualBookings: number
}

export const PLAIN: Variant = {
  name: 'plain',
  title: 'the job as it stands',
  partitions: 4,
  compression: 'none',
  isSkewed: false,
  shape: 'plain',
  steps: 'plain',
  extraTables: 0,
  extraSteps: 0,
  usualBookings: 2_000_000,
}

export const VARIANTS: readonly Variant[] = [
  PLAIN,
  { ...PLAIN, name: 'lz4', title: 'input topics compressed with lz4', compression: 'lz4' },
  { ...PLAIN, name: 'zstd', title: 'input topics compressed with zstd', compression: 'zstd' },
  { ...PLAIN, name: 'skewed', title: 'skewed keys', isSkewed: true },
  { ...PLAIN, name: 'large', title: 'bookings of 1 KB', shape: 'large', usualBookings: 1_000_000 },
  { ...PLAIN, name: 'wide', title: 'bookings of 40 fields, of which 7 are used', shape: 'wide' },
  { ...PLAIN, name: 'filtered', title: '60 % filtered out before the join', steps: 'filtered' },
  { ...PLAIN, name: 'left-join', title: 'left join with 50 % misses', steps: 'left-join' },
  {
    ...PLAIN,
    name: 'enriched',
    title: 'enriched by an HTTP API of 2 ms, 95 % cache hits',
    steps: 'enriched',
    // One call at a time comes to less than 10,000 bookings a second.
    usualBookings: 200_000,
  },
  { ...PLAIN, name: 'partitions-24', title: '24 partitions', partitions: 24 },
]
