export type VariantName =
  'plain' | 'lz4' | 'zstd' | 'skewed' | 'large' | 'wide' | 'filtered' | 'left-join' | 'partitions-24'

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
  /** `filtered`: 60 % of the bookings are dropped before the first join. `left-join`: half of the customers have no row. */
  readonly steps: 'plain' | 'filtered' | 'left-join'
}

const PLAIN: Variant = {
  name: 'plain',
  title: 'the job as it stands',
  partitions: 4,
  compression: 'none',
  isSkewed: false,
  shape: 'plain',
  steps: 'plain',
}

export const VARIANTS: readonly Variant[] = [
  PLAIN,
  { ...PLAIN, name: 'lz4', title: 'input topics compressed with lz4', compression: 'lz4' },
  { ...PLAIN, name: 'zstd', title: 'input topics compressed with zstd', compression: 'zstd' },
  { ...PLAIN, name: 'skewed', title: 'skewed keys', isSkewed: true },
  { ...PLAIN, name: 'large', title: 'bookings of 1 KB', shape: 'large' },
  { ...PLAIN, name: 'wide', title: 'bookings of 40 fields, of which few are used', shape: 'wide' },
  { ...PLAIN, name: 'filtered', title: '60 % filtered out before the join', steps: 'filtered' },
  { ...PLAIN, name: 'left-join', title: 'left join with 50 % misses', steps: 'left-join' },
  { ...PLAIN, name: 'partitions-24', title: '24 partitions', partitions: 24 },
]
