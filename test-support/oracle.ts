import fc from 'fast-check'

/** One seed per process, so that a failing run can be replayed: `ORACLE_SEED=… node --test …`. A failure prints it. */
export const oracleSeed = Number(process.env['ORACLE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

/** How many times as many runs as usual: `ORACLE_TIMES=20 node --test …` for a long run. */
const times = Number(process.env['ORACLE_TIMES'] ?? 1)

export interface OracleOptions {
  readonly runs?: number
}

/** Holds a property against its naive oracle. Throws with the seed and the smallest counterexample found. */
export function oracle<T>(property: fc.IProperty<T>, options: OracleOptions = {}): void {
  fc.assert(property, { seed: oracleSeed, numRuns: runsOf(options) })
}

/** The same for a property that runs promises. */
export async function oracleAsync<T>(
  property: fc.IAsyncProperty<T>,
  options: OracleOptions = {},
): Promise<void> {
  await fc.assert(property, { seed: oracleSeed, numRuns: runsOf(options) })
}

function runsOf({ runs = 100 }: OracleOptions): number {
  return Math.ceil(runs * times)
}
