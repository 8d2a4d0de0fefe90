import type { Contestant } from '../contestants/contestant.ts'
import type { RunResult } from '../measure/one-run.ts'
import { median } from '../measure/statistics.ts'
import { ratioOf } from './summary.ts'

const REFERENCE = 'tributary'

/** What a run has shown, as soon as it is over. */
export function runLine(run: RunResult): string {
  const disturbed = run.isDisturbed ? `, disturbed by ${run.foreignCpuSeconds.toFixed(1)} s of others` : ''
  return [
    `round ${run.round} ${run.contestant}:`,
    `${thousands(run.recordsPerSecond)}k rec/s,`,
    `wall ${run.wallSeconds.toFixed(1)} s,`,
    `CPU ${run.cpuSeconds.toFixed(1)} s,`,
    `RSS ${run.peakRssMiB.toFixed(0)} MiB, verified${disturbed}`,
  ].join(' ')
}

/** One line per contestant: medians, and for the records per second how far the runs lie apart. */
export function resultTable(runs: readonly RunResult[], contestants: readonly Contestant[]): string {
  const header = [
    '',
    'runs',
    'rec/s',
    'from–to',
    'wall s',
    'CPU s/M',
    'RSS MiB',
    'tables s',
    'first s',
    'broker s',
    'foreign s',
    'ours/theirs',
  ]
  const rows = contestants.flatMap(({ name, title }) => {
    const own = runs.filter(run => run.contestant === name)
    return own.length === 0 ? [] : [[title, ...cells(own), ratioCell(runs, name)]]
  })
  return alignedText([header, ...rows])
}

/** The first column to the left, the others to the right. */
export function alignedText(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  return rows
    .map(row =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('  '),
    )
    .join('\n')
}

function cells(own: readonly RunResult[]): readonly string[] {
  const disturbed = own.filter(run => run.isDisturbed).length
  const rates = own.map(run => run.recordsPerSecond)
  const loads = own.map(run => run.tablesLoadedSeconds).filter(value => value !== undefined)
  return [
    disturbed === 0 ? String(own.length) : `${own.length} (${disturbed} disturbed)`,
    `${thousands(median(rates))}k`,
    `${thousands(Math.min(...rates))}–${thousands(Math.max(...rates))}`,
    middle(own, run => run.wallSeconds),
    middle(own, run => run.cpuSecondsPerMillion, 2),
    middle(own, run => run.peakRssMiB, 0),
    loads.length === 0 ? '-' : median(loads).toFixed(2),
    middle(own, run => run.firstOutputSeconds, 2),
    middle(own, run => run.brokerCpuSeconds),
    middle(own, run => run.foreignCpuSeconds),
  ]
}

function ratioCell(runs: readonly RunResult[], name: string): string {
  if (name === REFERENCE) return ''
  return ratioOf(runs, [REFERENCE, name], 'recordsPerSecond')?.toFixed(2) ?? ''
}

function middle(own: readonly RunResult[], read: (run: RunResult) => number, digits = 1): string {
  return median(own.map(read)).toFixed(digits)
}

function thousands(value: number): string {
  return Math.round(value / 1_000).toString()
}
