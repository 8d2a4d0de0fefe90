import { AXES } from '../growth/axes.ts'
import type { GrowthPoint, GrowthSummary } from '../growth/summary.ts'
import { lineChart } from './line-chart.ts'
import { grouped, markdownTable } from './markdown.ts'
import type { ResultsFile } from './results-file.ts'
import { repeat, type Section } from './section.ts'

/** Each axis with a table and a drawing. */
export function growthSection(folder: string, file: ResultsFile): Section {
  const summary = file.summary as GrowthSummary
  const { bookings } = file.options as { readonly bookings: number }
  const axes = AXES.flatMap(({ name, title }) => {
    const points = summary[name]
    return points === undefined ? [] : [{ name, title, points, drawing: `${folder}/growth-${name}.svg` }]
  })
  const parts = axes.map(({ name, title, points, drawing }) =>
    [
      `#### ${name[0]!.toUpperCase()}${name.slice(1)}`,
      `![Records per second and memory by the number of ${name}](${drawing})`,
      growthPoints(title, points),
    ].join('\n\n'),
  )
  return {
    markdown: [
      '### Growth',
      `Tributary by default, ${grouped(bookings)} bookings; one thing is made larger, everything else stays as it is.`,
      ...parts,
      repeat(file),
    ].join('\n\n'),
    drawings: Object.fromEntries(
      axes.map(({ title, points, drawing }) => [drawing, growthDrawing(title, points)]),
    ),
  }
}

function growthPoints(title: string, points: readonly GrowthPoint[]): string {
  return markdownTable(
    [title, 'records/s', 'CPU s per million', 'peak RSS MiB', 'table rows/s'],
    points.map(each => [
      grouped(each.point),
      grouped(each.recordsPerSecond),
      each.cpuSecondsPerMillion.toFixed(2),
      grouped(each.peakRssMiB),
      each.tableRowsPerSecond === null ? '' : grouped(each.tableRowsPerSecond),
    ]),
  )
}

function growthDrawing(title: string, points: readonly GrowthPoint[]): string {
  return lineChart({ title, points: points.map(({ point }) => point) }, [
    { title: 'Records', unit: 'per second', values: points.map(each => each.recordsPerSecond), series: 0 },
    { title: 'Memory', unit: 'peak RSS, MiB', values: points.map(each => each.peakRssMiB), series: 1 },
  ])
}
