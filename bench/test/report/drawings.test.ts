import assert from 'node:assert/strict'
import { test } from 'node:test'
import { barChart } from '../../src/report/bar-chart.ts'
import { lineChart } from '../../src/report/line-chart.ts'
import { roundUp, shortNumber } from '../../src/report/svg.ts'

const numbersOf = (drawing: string, attribute: string): number[] =>
  [...drawing.matchAll(new RegExp(` ${attribute}="([\\d.]+)"`, 'g'))].map(([, value]) => Number(value))

test('bars are as long as their values, and labels are text', () => {
  const drawing = barChart('Records & more', [
    { label: '<one>', value: 400, valueText: '400', series: 0 },
    { label: 'two', value: 100, valueText: '100', series: 1 },
  ])
  assert.match(drawing, /Records &amp; more/)
  assert.match(drawing, /&lt;one&gt;/)
  const [, long, short] = numbersOf(drawing, 'width')
  assert.ok(Math.abs(long! / short! - 4) < 0.01)
})

test('a curve falls where its values fall, and points that grow by much lie evenly', () => {
  const drawing = lineChart({ title: 'rows', points: [10, 1_000, 100_000] }, [
    { title: 'Records', unit: 'per second', values: [900, 500, 100], series: 0 },
  ])
  const places = /points="([^"]+)"/
    .exec(drawing)![1]!
    .split(' ')
    .map(place => place.split(',').map(Number))
  // Downwards on the screen is more.
  assert.ok(places[0]![1]! < places[1]![1]! && places[1]![1]! < places[2]![1]!)
  assert.equal(places[1]![0]! - places[0]![0]!, places[2]![0]! - places[1]![0]!)
})

test('no text is written in a colour that is lost on white or on black', () => {
  const drawing = lineChart({ title: 'rows', points: [1, 2] }, [
    { title: 'Memory', unit: 'MiB', values: [1, 2], series: 1 },
  ])
  const colour = /<svg[^>]* fill="#([0-9a-f]{6})"/.exec(drawing)![1]!
  const channels = [0, 2, 4].map(at => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
  const linear = channels.map(value => (value <= 0.04 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
  // Relative luminance and contrast as WCAG 2 defines them; large text and drawings need 3.
  const luminance = 0.2126 * linear[0]! + 0.7152 * linear[1]! + 0.0722 * linear[2]!
  assert.ok(1.05 / (luminance + 0.05) > 4)
  assert.ok((luminance + 0.05) / 0.055 > 3.5)
  assert.doesNotMatch(drawing, /<text[^>]* fill=/)
})

test('numbers on the axes are round and short', () => {
  assert.deepEqual([0, 3, 11, 180, 260_000].map(roundUp), [1, 5, 20, 200, 500_000])
  assert.deepEqual([0, 2.5, 950, 12_000, 1_500_000].map(shortNumber), ['0', '2.5', '950', '12k', '1.5M'])
})
