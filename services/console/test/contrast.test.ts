import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const css = readFileSync(new URL('../web/src/style.css', import.meta.url), 'utf8')
/** By name, in light and in dark. */
const colours = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(([, name, light, dark]) => [
    name!,
    [light!, dark!] as const,
  ]),
)

/** https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map(at => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

test('every text can be read on what it stands on, in light and in dark', () => {
  assert.equal(Math.round(contrast('#000000', '#ffffff')), 21)
  const pairs = [
    ...['text', 'quiet', 'accent', 'warning', 'critical', 'good'].flatMap(text => [
      [text, 'ground'],
      [text, 'raised'],
    ]),
    ...['text', 'warning'].map(text => [text, 'warning-ground']),
    ...['text', 'critical'].map(text => [text, 'critical-ground']),
    // On a button.
    ['raised', 'accent'],
  ]
  const low = pairs.flatMap(([text, ground]) =>
    [0, 1].flatMap(scheme => {
      const ratio = contrast(colours.get(text!)![scheme]!, colours.get(ground!)![scheme]!)
      // https://www.w3.org/TR/WCAG22/#contrast-minimum
      return ratio < 4.5 ? [`${text} on ${ground}, ${['light', 'dark'][scheme]}: ${ratio.toFixed(2)}`] : []
    }),
  )
  assert.deepEqual(low, [])
})
