/*
 * Drawings for a page whose background is not known: no background of their own, and colours in the middle, which can be read
 * on white and on nearly black.
 */

export const TEXT_COLOUR = '#6e7781'
const FAINT = '#6e778155'
/** Told apart by people who see no red or no green, too. */
export const SERIES_COLOURS: readonly string[] = ['#2f7fd1', '#d1701f', '#7a8a99', '#8a63d2']

export type Anchor = 'start' | 'middle' | 'end'

export function svg(
  size: { readonly width: number; readonly height: number },
  parts: readonly string[],
): string {
  const { width, height } = size
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="13" fill="${TEXT_COLOUR}">`,
    ...parts.map(part => `  ${part}`),
    '</svg>',
    '',
  ].join('\n')
}

export function text(x: number, y: number, content: string, anchor: Anchor = 'start'): string {
  return `<text x="${coordinate(x)}" y="${coordinate(y)}" text-anchor="${anchor}">${escaped(content)}</text>`
}

export function heading(x: number, y: number, content: string): string {
  return `<text x="${coordinate(x)}" y="${coordinate(y)}" font-weight="600">${escaped(content)}</text>`
}

export function rule(from: readonly [number, number], to: readonly [number, number]): string {
  const [x1, y1] = from.map(coordinate)
  const [x2, y2] = to.map(coordinate)
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${FAINT}"/>`
}

export function bar(
  corner: readonly [number, number],
  size: readonly [number, number],
  colour: string,
): string {
  const [x, y] = corner.map(coordinate)
  const [width, height] = size.map(coordinate)
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="2" fill="${colour}"/>`
}

export function curve(points: readonly (readonly [number, number])[], colour: string): string {
  const places = points.map(point => point.map(coordinate).join(','))
  return `<polyline points="${places.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`
}

export function dot([x, y]: readonly [number, number], colour: string): string {
  return `<circle cx="${coordinate(x)}" cy="${coordinate(y)}" r="3.5" fill="${colour}"/>`
}

/** A round number that is no smaller: 1, 2, 2.5 or 5 times a power of ten. */
export function roundUp(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const factor = [1, 2, 2.5, 5, 10].find(each => each * power >= value * (1 - 1e-9))!
  return factor * power
}

/** 950, 12k, 1.5M. */
export function shortNumber(value: number): string {
  for (const [unit, suffix] of [
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (value >= unit) return `${Number((value / unit).toPrecision(3))}${suffix}`
  }
  return String(Number(value.toPrecision(3)))
}

/** Tenths of a pixel are enough, and the same file comes out everywhere. */
function coordinate(value: number): string {
  return String(Math.round(value * 10) / 10)
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
