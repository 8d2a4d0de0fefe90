/** By metric name, each sample with its labels. */
export type Scrape = ReadonlyMap<string, readonly Sample[]>

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: -?\d+)?$/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g

/**
 * Reads the text of a scrape. Lines that are none are left out: a console had better show the rest.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function parseScrape(text: string): Scrape {
  const scrape = new Map<string, Sample[]>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [, name, labels = '', value] = LINE.exec(line) ?? []
    if (name === undefined || value === undefined) continue
    const sample = { labels: labelsOf(labels), value: numberOf(value) }
    const samples = scrape.get(name)
    if (samples === undefined) scrape.set(name, [sample])
    else samples.push(sample)
  }
  return scrape
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  for (const [, name = '', value = ''] of text.matchAll(LABEL))
    labels[name] = value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
  return labels
}

function numberOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY
  if (text === '-Inf') return Number.NEGATIVE_INFINITY
  return Number(text)
}

/** The values of a metric, or of those of its samples that have these labels, added up; 0 without any. */
export function sumOf(scrape: Scrape, name: string, labels: Readonly<Record<string, string>> = {}): number {
  let sum = 0
  for (const sample of scrape.get(name) ?? [])
    if (Object.entries(labels).every(([label, value]) => sample.labels[label] === value)) sum += sample.value
  return sum
}
