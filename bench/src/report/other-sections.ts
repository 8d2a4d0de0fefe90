import type { LatencySummary } from '../latency/summary.ts'
import { FIGURE_COLUMNS, type TablesSummary } from '../tables/summary.ts'
import { barChart } from './bar-chart.ts'
import { grouped, markdownTable } from './markdown.ts'
import type { ResultsFile } from './results-file.ts'
import { contestantsOf, repeat, type Section } from './section.ts'

export function latencySection(folder: string, file: ResultsFile): Section {
  const summary = file.summary as LatencySummary
  const { recordsPerSecond } = file.options as { readonly recordsPerSecond: number }
  const measured = contestantsOf(file).flatMap(({ name, title }) => {
    const figures = summary[name]
    return figures === undefined ? [] : [{ name, title, figures }]
  })
  const drawing = `${folder}/latency.svg`
  const bars = measured.map(({ name, title, figures: { p99 } }) => ({
    label: title,
    value: p99,
    valueText: `${p99.toFixed(1)} ms`,
    series: name.startsWith('tributary') ? 0 : 1,
  }))
  return {
    markdown: [
      '### Latency',
      `Milliseconds from when a booking was due to be sent until its event was read, at ${grouped(recordsPerSecond)} bookings per second. Medians over the runs; of the largest the largest.`,
      markdownTable(
        ['', 'p50', 'p99', 'p99.9', 'largest'],
        measured.map(({ title, figures: { p50, p99, p999, max } }) => [
          title,
          ...[p50, p99, p999, max].map(ms => ms.toFixed(1)),
        ]),
      ),
      `![p99 latency by contestant](${drawing})`,
      repeat(file),
    ].join('\n\n'),
    drawings: { [drawing]: barChart('Latency, p99', bars) },
  }
}

export function tablesSection(file: ResultsFile): Section {
  const summary = file.summary as TablesSummary
  const { rows } = file.options as { readonly rows: number }
  const measured = contestantsOf(file).filter(({ name }) => summary[name] !== undefined)
  return {
    markdown: [
      '### A large table',
      `${grouped(rows)} rows of 133 bytes under keys of 20 bytes. Updates replace every row twice by a longer one; then nine of ten are deleted, and the size of the store is held against that before. *Lookups* ask for one row after the other, wherever it lies; *looked up ahead* are 32 keys at a time, as a task knows the keys of its next records when it joins them by their own key (with a global table it does not).`,
      markdownTable(
        ['', ...FIGURE_COLUMNS.map(([header]) => header)],
        measured.map(({ name, title }) => [
          title,
          ...FIGURE_COLUMNS.map(([, figure, digits]) => {
            const value = summary[name]![figure]
            if (value === undefined) return ''
            return digits === 0 ? grouped(value) : value.toFixed(digits)
          }),
        ]),
      ),
      repeat(file),
    ].join('\n\n'),
    drawings: {},
  }
}
