import { median } from '../measure/statistics.ts'
import { alignedText } from '../report/table.ts'
import type { TablesResult } from './run-tables.ts'
import { TABLE_CONTESTANTS } from './table-contestants.ts'

/** Medians by contestant, and by figure as its program told it. */
export type TablesSummary = Readonly<Record<string, Readonly<Record<string, number>>>>

export const FIGURE_COLUMNS = [
  ['load rows/s', 'loadRowsPerSecond', 0],
  ['RSS MiB', 'loadedRssMiB', 0],
  ['longest pause ms', 'longestLoadPauseMs', 1],
  ['lookups/s', 'lookupsPerSecond', 0],
  ['looked up ahead/s', 'lookupsAheadPerSecond', 0],
  ['longest 1,000 lookups ms', 'longestThousandLookupsMs', 1],
  ['longest change ms', 'longestChangeMs', 2],
  ['size after updates', 'bytesAfterUpdates', 2],
  ['after deletes', 'bytesAfterDeletes', 2],
] as const

export function summarizeTables(runs: readonly TablesResult[]): TablesSummary {
  const names = [...new Set(runs.map(({ contestant }) => contestant))]
  return Object.fromEntries(
    names.map(name => {
      const own = runs.filter(({ contestant }) => contestant === name).map(({ figures }) => withPace(figures))
      const figures = Object.keys(own[0]!).map(figure => [figure, median(own.map(each => each[figure]!))])
      return [name, Object.fromEntries(figures) as Readonly<Record<string, number>>]
    }),
  )
}

export function tablesTable(summary: TablesSummary): string {
  const rows = TABLE_CONTESTANTS.flatMap(({ name, title }) => {
    const figures = summary[name]
    if (figures === undefined) return []
    return [[title, ...FIGURE_COLUMNS.map(([, figure, digits]) => figures[figure]?.toFixed(digits) ?? '-')]]
  })
  return alignedText([['', ...FIGURE_COLUMNS.map(([header]) => header)], ...rows])
}

function withPace(figures: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const { rows, loadSeconds } = figures
  return loadSeconds === undefined ? figures : { ...figures, loadRowsPerSecond: rows! / loadSeconds }
}
