import { curve, dot, heading, roundUp, rule, SERIES_COLOURS, shortNumber, svg, text } from './svg.ts'

export interface Panel {
  readonly title: string
  /** What is written behind the numbers of its axis. */
  readonly unit: string
  readonly values: readonly number[]
  /** Index of its colour. */
  readonly series: number
}

const PANEL_WIDTH = 400
const HEIGHT = 270
const LEFT = 64
const RIGHT = 24
const TOP = 46
const BOTTOM = 46
const LINES = 4

/** Panels side by side over the same points. The horizontal axis is logarithmic where the points grow by more than 20 times. */
export function lineChart(
  axis: { readonly title: string; readonly points: readonly number[] },
  panels: readonly Panel[],
): string {
  const parts = panels.flatMap((panel, index) => panelParts(axis, panel, index * PANEL_WIDTH))
  return svg({ width: PANEL_WIDTH * panels.length, height: HEIGHT }, parts)
}

function panelParts(
  { title, points }: { readonly title: string; readonly points: readonly number[] },
  panel: Panel,
  offset: number,
): readonly string[] {
  const top = roundUp(Math.max(...panel.values))
  const bottomY = HEIGHT - BOTTOM
  const y = (value: number): number => bottomY - (value / top) * (bottomY - TOP)
  const x = horizontal(points, [offset + LEFT, offset + PANEL_WIDTH - RIGHT])
  const colour = SERIES_COLOURS[panel.series]!
  const places = points.map((point, index) => [x(point), y(panel.values[index]!)] as const)
  const grid = Array.from({ length: LINES + 1 }, (_, index) => (top / LINES) * index).flatMap(value => [
    rule([offset + LEFT, y(value)], [offset + PANEL_WIDTH - RIGHT, y(value)]),
    text(offset + LEFT - 8, y(value) + 4, shortNumber(value), 'end'),
  ])
  return [
    heading(offset + 8, 20, `${panel.title} (${panel.unit})`),
    ...grid,
    ...labelled(points, x).map(point => text(x(point), bottomY + 18, shortNumber(point), 'middle')),
    text(offset + (LEFT + PANEL_WIDTH - RIGHT) / 2, bottomY + 38, title, 'middle'),
    curve(places, colour),
    ...places.map(place => dot(place, colour)),
  ]
}

function horizontal(
  points: readonly number[],
  [from, to]: readonly [number, number],
): (point: number) => number {
  const [first, last] = [points[0]!, points.at(-1)!]
  const place = first > 0 && last / first > 20 ? Math.log : Number
  const span = place(last) - place(first) || 1
  return point => from + ((place(point) - place(first)) / span) * (to - from)
}

const LABEL_SPACE = 30

/** As many as do not touch. */
function labelled(points: readonly number[], x: (point: number) => number): readonly number[] {
  let freeFrom = -Infinity
  return points.filter(point => {
    if (x(point) < freeFrom) return false
    freeFrom = x(point) + LABEL_SPACE
    return true
  })
}
