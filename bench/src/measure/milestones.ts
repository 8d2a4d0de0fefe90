import { readFileSync } from 'node:fs'

/** What a program wrote about itself (see `programs/program.ts`). */
export interface Milestones {
  readonly tablesLoadingAtMs: number | undefined
  readonly tablesLoadedAtMs: number | undefined
  readonly rows: number
}

export function readMilestones(logFile: string): Milestones {
  let loading: number | undefined
  let loaded: number | undefined
  let rows = 0
  for (const line of readFileSync(logFile, 'utf8').split('\n')) {
    const [word, what, at, count] = line.split(' ')
    if (word !== 'bench') continue
    if (what === 'tables-loading') loading ??= Number(at)
    if (what === 'table-loaded') {
      loaded = Math.max(loaded ?? 0, Number(at))
      rows += Number(count)
    }
  }
  return { tablesLoadingAtMs: loading, tablesLoadedAtMs: loaded, rows }
}
