import type { HistoryPoint } from '../../src/snapshot.ts'
import { clockTime } from './format.ts'

export interface LineChartProps {
  readonly name: string
  readonly points: readonly HistoryPoint[]
  readonly value: (point: HistoryPoint) => number
  readonly text: (value: number) => string
}

const [WIDTH, HEIGHT] = [320, 90]

/** A line over time, with what it says in words for who does not see it. Nothing is scaled to hide that it is zero. */
export function LineChart({ name, points, value, text }: LineChartProps) {
  const [first, last] = [points[0] as HistoryPoint, points.at(-1) as HistoryPoint]
  const highest = points.reduce((best, point) => (value(point) > value(best) ? point : best), first)
  const top = Math.max(value(highest), 1)
  const span = Math.max(last.atMs - first.atMs, 1)
  const line = points
    .map(point => {
      const x = ((point.atMs - first.atMs) / span) * WIDTH
      return `${x.toFixed(1)},${(HEIGHT - (value(point) / top) * (HEIGHT - 4) - 2).toFixed(1)}`
    })
    .join(' ')
  return (
    <figure>
      <figcaption>
        {name} <strong>{text(value(last))}</strong>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${name}: now ${text(value(last))}, highest ${text(value(highest))} at ${clockTime(highest.atMs)}`}
      >
        <polyline points={line} />
      </svg>
      <p class="axis quiet" aria-hidden="true">
        <span>{clockTime(first.atMs)}</span>
        <span>
          highest {text(value(highest))} at {clockTime(highest.atMs)}
        </span>
      </p>
    </figure>
  )
}
