import type { Steps } from '../job/variant.ts'

/*
 * What the processes of contestants have in common: where they find things, and how they tell what happened. The harness
 * reads both the same way from programs in other languages.
 */

export interface ProgramPlace {
  readonly broker: string
  readonly registryUrl: string
  readonly bookings: string
  readonly customers: string
  readonly activities: string
  readonly output: string
  /** Consumer group, or application id. */
  readonly group: string
  readonly guarantee: 'at-least-once' | 'exactly-once'
  readonly steps: Steps
  /** Every field of a record is decoded, used or not. */
  readonly readsWhole: boolean
  /** Of the API that tells how many places an activity has left; it is there with the steps `enriched`. */
  readonly apiUrl: string
  /** Topics with the rows of the customers, joined one after another; none but where growth is measured. */
  readonly extraTables: readonly string[]
  /** Steps that change nothing. */
  readonly extraSteps: number
  /** Of the schema of the output, registered already. */
  readonly eventSchemaId: number
}

export function programPlace(): ProgramPlace {
  const text = (name: string): string => {
    const value = process.env[name]
    if (value === undefined) throw new Error(`${name} is not set; the harness sets it`)
    return value
  }
  return {
    broker: text('BENCH_BROKER'),
    registryUrl: text('BENCH_REGISTRY'),
    bookings: text('BENCH_BOOKINGS'),
    customers: text('BENCH_CUSTOMERS'),
    activities: text('BENCH_ACTIVITIES'),
    output: text('BENCH_OUTPUT'),
    group: text('BENCH_GROUP'),
    guarantee: text('BENCH_GUARANTEE') as ProgramPlace['guarantee'],
    steps: text('BENCH_STEPS') as Steps,
    readsWhole: process.env['BENCH_READS_WHOLE'] === 'true',
    apiUrl: text('BENCH_API'),
    extraTables: text('BENCH_EXTRA_TABLES').split(',').filter(Boolean),
    extraSteps: Number(text('BENCH_EXTRA_STEPS')),
    eventSchemaId: Number(text('BENCH_EVENT_SCHEMA_ID')),
  }
}

/** The program begins to read its tables now. */
export function tellTablesLoading(): void {
  console.log(`bench tables-loading ${Date.now()}`)
}

/** A part of a table has been loaded, with so many rows. */
export function tellTableLoaded(rows: number): void {
  console.log(`bench table-loaded ${Date.now()} ${rows}`)
}
