import { monitorEventLoopDelay } from 'node:perf_hooks'
import { readFileSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { lookupIndex } from '../../tables/lookups.ts'
import { customerId } from '../../job/records.ts'

/*
 * What the table programs in Node have in common. Each loads a table from its topic, tells how, looks rows up, and ends.
 */

export interface TablePlace {
  readonly broker: string
  readonly registryUrl: string
  readonly topic: string
  readonly group: string
  readonly rows: number
  readonly lookups: number
}

export function tablePlace(): TablePlace {
  const text = (name: string): string => process.env[name]!
  return {
    broker: text('BENCH_BROKER'),
    registryUrl: text('BENCH_REGISTRY'),
    topic: text('BENCH_ROWS_TOPIC'),
    group: text('BENCH_GROUP'),
    rows: Number(text('BENCH_ROWS')),
    lookups: Number(text('BENCH_LOOKUPS')),
  }
}

/** The harness reads these lines. */
export function tell(figure: string, value: number): void {
  console.log(`figure ${figure} ${value}`)
}

/** Runs `load`, which resolves with the number of rows; tells its pace, its memory and the longest pause meanwhile. */
export async function tellLoad(load: () => Promise<number>): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const startedAt = performance.now()
  const rows = await load()
  const seconds = (performance.now() - startedAt) / 1_000
  delay.disable()
  tell('rows', rows)
  tell('loadSeconds', seconds)
  tell('longestLoadPauseMs', delay.max / 1e6)
  tell('loadedRssMiB', rssMiB())
}

const LOOKUPS_PER_TURN = 1_000

/** Looks rows up one by one; `quantityOf` reads the two fields of a row. */
export async function tellLookups(place: TablePlace, quantityOf: (key: string) => number): Promise<void> {
  const { sum, perSecond, longestMs } = await inTurns(place, (from, to) => {
    let part = 0
    for (let count = from; count < to; count += 1)
      part += quantityOf(customerId(lookupIndex(count, place.rows)))
    return part
  })
  tell('lookupSum', sum)
  tell('lookupsPerSecond', perSecond)
  tell('longestThousandLookupsMs', longestMs)
}

/** As many of the same lookups at a time as `quantityOfAll` is given keys. */
export async function tellLookupsAhead(
  place: TablePlace,
  atOnce: number,
  quantityOfAll: (keys: readonly string[]) => number,
): Promise<void> {
  const { sum, perSecond } = await inTurns(place, (from, to) => {
    let part = 0
    for (let count = from; count < to; count += atOnce) {
      const keys: string[] = []
      for (let next = count; next < Math.min(to, count + atOnce); next += 1)
        keys.push(customerId(lookupIndex(next, place.rows)))
      part += quantityOfAll(keys)
    }
    return part
  })
  tell('lookupAheadSum', sum)
  tell('lookupsAheadPerSecond', perSecond)
}

/** In slices, as records of batches would. */
async function inTurns(
  place: TablePlace,
  lookUp: (from: number, to: number) => number,
): Promise<{ readonly sum: number; readonly perSecond: number; readonly longestMs: number }> {
  let sum = 0
  let busyMs = 0
  let longestMs = 0
  for (let done = 0; done < place.lookups;) {
    const from = performance.now()
    const end = Math.min(place.lookups, done + LOOKUPS_PER_TURN)
    sum += lookUp(done, end)
    done = end
    const tookMs = performance.now() - from
    busyMs += tookMs
    longestMs = Math.max(longestMs, tookMs)
    await turn()
  }
  return { sum, perSecond: place.lookups / (busyMs / 1_000), longestMs }
}

export function rssMiB(): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1_024
}
