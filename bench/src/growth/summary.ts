import { median } from '../measure/statistics.ts'
import { alignedText } from '../report/table.ts'
import { AXES, type AxisName } from './axes.ts'
import type { GrowthResult } from './run-growth.ts'

/** Medians over the runs at one point. */
export interface GrowthPoint {
  readonly point: number
  readonly recordsPerSecond: number
  readonly cpuSecondsPerMillion: number
  readonly peakRssMiB: number
  readonly tableRowsPerSecond: number | null
}

export type GrowthSummary = Partial<Readonly<Record<AxisName, readonly GrowthPoint[]>>>

export function summarizeGrowth(runs: readonly GrowthResult[]): GrowthSummary {
  const axes = AXES.filter(({ name }) => runs.some(({ axis }) => axis === name))
  return Object.fromEntries(
    axes.map(({ name, points }) => {
      const own = runs.filter(({ axis }) => axis === name)
      const measured = points.filter(each => own.some(({ point }) => point === each))
      return [
        name,
        measured.map(each =>
          pointOf(
            each,
            own.filter(({ point }) => point === each),
          ),
        ),
      ]
    }),
  )
}

export function growthTable(summary: GrowthSummary): string {
  const header = ['', 'rec/s', 'CPU s/M', 'RSS MiB', 'rows loaded/s']
  const rows = Object.entries(summary).flatMap(([axis, points]) =>
    points.map(({ point, recordsPerSecond, cpuSecondsPerMillion, peakRssMiB, tableRowsPerSecond }) => [
      `${point} ${axis}`,
      `${Math.round(recordsPerSecond / 1_000)}k`,
      cpuSecondsPerMillion.toFixed(2),
      String(peakRssMiB),
      tableRowsPerSecond === null ? '-' : `${Math.round(tableRowsPerSecond / 1_000)}k`,
    ]),
  )
  return alignedText([header, ...rows])
}

function pointOf(point: number, own: readonly GrowthResult[]): GrowthPoint {
  const loads = own.map(run => run.tableRowsPerSecond).filter(value => value !== undefined)
  return {
    point,
    recordsPerSecond: Math.round(median(own.map(run => run.recordsPerSecond))),
    cpuSecondsPerMillion: Math.round(median(own.map(run => run.cpuSecondsPerMillion)) * 100) / 100,
    peakRssMiB: Math.round(median(own.map(run => run.peakRssMiB))),
    tableRowsPerSecond: loads.length === 0 ? null : Math.round(median(loads)),
  }
}
