import type { RunResult } from '../measure/one-run.ts'
import { barChart, type Bar } from './bar-chart.ts'
import { grouped, markdownTable } from './markdown.ts'
import type { ResultsFile } from './results-file.ts'
import { contestantsOf, repeat, type Section } from './section.ts'
import { figuresOf, ratioOf } from './summary.ts'
import { shortNumber } from './svg.ts'

const OURS = 'tributary'
const DEFAULT = 'kafka-streams-in-memory'
const TUNED = 'kafka-streams-tuned'

/** The job as it stands. */
export function jobSection(folder: string, heading: string, file: ResultsFile): Section {
  const runs = file.runs as readonly RunResult[]
  const { size, runs: rounds } = file.options as { size: { bookings: number }; runs: number }
  const measured = contestantsOf(file).flatMap(({ name, title }) => {
    const figures = figuresOf(runs, name)
    return figures === null ? [] : [{ name, title, figures }]
  })
  const table = markdownTable(
    ['', 'records/s', 'CPU s per million', 'peak RSS MiB', 'table rows/s', 'Tributary is faster by'],
    measured.map(({ name, title, figures }) => [
      title,
      grouped(figures.recordsPerSecond),
      figures.cpuSecondsPerMillion.toFixed(2),
      grouped(figures.peakRssMiB),
      figures.tableRowsPerSecond === null ? '' : grouped(figures.tableRowsPerSecond),
      times(name === OURS ? null : ratioOf(runs, [OURS, name], 'recordsPerSecond')),
    ]),
  )
  const bars = measured.map(({ name, title, figures: { recordsPerSecond } }) => ({
    label: title,
    value: recordsPerSecond,
    valueText: shortNumber(recordsPerSecond),
    series: seriesOf(name),
  }))
  const drawing = `${folder}/${file.kind}.svg`
  return {
    markdown: [
      `### ${heading}`,
      `${grouped(size.bookings)} bookings; ${rounds === 1 ? 'one run' : `medians of ${rounds} runs`}.${disturbedText(runs)}`,
      table,
      `![Records per second by contestant](${drawing})`,
      repeat(file),
    ].join('\n\n'),
    drawings: { [drawing]: barChart('Records per second', bars) },
  }
}

/** Every other variant: how Tributary compares. */
export function variantsSection(
  folder: string,
  files: readonly { readonly title: string; readonly file: ResultsFile }[],
): Section {
  const rows = files.map(({ title, file }) => {
    const runs = file.runs as readonly RunResult[]
    const rate = (name: string): string => {
      const figures = figuresOf(runs, name)
      return figures === null ? '' : grouped(figures.recordsPerSecond)
    }
    return {
      title,
      file,
      cells: [OURS, DEFAULT, TUNED].map(rate),
      ratioDefault: ratioOf(runs, [OURS, DEFAULT], 'recordsPerSecond'),
      ratioTuned: ratioOf(runs, [OURS, TUNED], 'recordsPerSecond'),
    }
  })
  const header = [
    'variant',
    'Tributary',
    'Kafka Streams, in-memory',
    'tuned, 2 threads',
    'faster than in-memory',
    'than tuned',
  ]
  const bars: readonly Bar[] = rows.flatMap(({ title, ratioDefault }) =>
    ratioDefault === null
      ? []
      : [{ label: title, value: ratioDefault, valueText: times(ratioDefault), series: 0 }],
  )
  const drawing = `${folder}/variants.svg`
  return {
    markdown: [
      '### Variants of the job',
      `Records per second.${disturbedText(files.flatMap(({ file }) => file.runs as readonly RunResult[]))}`,
      markdownTable(
        header,
        rows.map(({ title, cells, ratioDefault, ratioTuned }) => [
          title,
          ...cells,
          times(ratioDefault),
          times(ratioTuned),
        ]),
      ),
      `![How much faster Tributary is, by variant](${drawing})`,
      ['Repeat:', '', ...rows.map(({ title, file }) => `- ${title}: \`${file.command}\``)].join('\n'),
    ].join('\n\n'),
    drawings: {
      [drawing]: barChart('Records per second, as a multiple of Kafka Streams in-memory', bars, 1),
    },
  }
}

/** Told where it was so: figures of a busy machine are not to be believed. */
function disturbedText(runs: readonly RunResult[]): string {
  const disturbed = runs.filter(({ isDisturbed }) => isDisturbed).length
  if (disturbed === 0) return ''
  return ` In ${disturbed} of the ${runs.length} runs other work took more than a fifth of a processor.`
}

function seriesOf(name: string): number {
  if (name.startsWith('tributary')) return 0
  return name.startsWith('kafka-streams') ? 1 : 2
}

function times(ratio: number | null): string {
  return ratio === null ? '' : `${ratio.toFixed(2)} ×`
}
