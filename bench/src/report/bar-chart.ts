import { bar, heading, rule, SERIES_COLOURS, svg, text } from './svg.ts'

export interface Bar {
  readonly label: string
  readonly value: number
  /** As it stands behind the bar. */
  readonly valueText: string
  /** Index of its colour. */
  readonly series: number
}

const WIDTH = 800
const LABEL_WIDTH = 350
const VALUE_WIDTH = 90
const TOP = 40
const ROW = 24
const BAR_HEIGHT = 16

/** One bar under the other, from the top; `mark` draws a line at a value that is to be reached. */
export function barChart(title: string, bars: readonly Bar[], mark?: number): string {
  const most = Math.max(...bars.map(({ value }) => value), mark ?? 0)
  const scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / (most || 1)
  const height = TOP + bars.length * ROW + 8
  const rows = bars.flatMap(({ label, value, valueText, series }, index) => {
    const y = TOP + index * ROW
    const width = Math.max(1, value * scale)
    return [
      text(LABEL_WIDTH - 10, y + BAR_HEIGHT - 3, label, 'end'),
      bar([LABEL_WIDTH, y], [width, BAR_HEIGHT], SERIES_COLOURS[series]!),
      text(LABEL_WIDTH + width + 8, y + BAR_HEIGHT - 3, valueText),
    ]
  })
  const at = LABEL_WIDTH + (mark ?? 0) * scale
  const marks = mark === undefined ? [] : [rule([at, TOP - 8], [at, height - 8])]
  return svg({ width: WIDTH, height }, [heading(8, 20, title), ...marks, ...rows])
}
