import type { HistogramValue, MetricFamily, MetricSample } from '@tributary/topology'

export type ExpositionFormat = 'prometheus' | 'openmetrics'

/** As a scrape is answered. https://prometheus.io/docs/instrumenting/exposition_formats/ */
export const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** The units that OpenMetrics knows as the last word of a name. */
const NAMED_UNITS = ['seconds', 'bytes', 'ratio'] as const

/** OpenMetrics for who asks for it, with at least the weight of plain text. */
export function formatFor(accept: string | undefined): ExpositionFormat {
  let openMetrics = 0
  let text = 0
  for (const range of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = range.split(';').map(part => part.trim().toLowerCase())
    const weight = Number(parameters.find(parameter => parameter.startsWith('q='))?.slice(2) ?? 1)
    if (type === 'application/openmetrics-text') openMetrics = Math.max(openMetrics, weight)
    if (type === 'text/plain' || type === 'text/*' || type === '*/*') text = Math.max(text, weight)
  }
  return openMetrics > 0 && openMetrics >= text ? 'openmetrics' : 'prometheus'
}

/** The text of a scrape. Families without a value are told by their type and help alone. */
export function expose(families: readonly MetricFamily[], format: ExpositionFormat): string {
  const lines: string[] = []
  for (const family of families) {
    const { name, type, help } = family
    // OpenMetrics names a counter's family without the suffix that its samples have.
    const heading = format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name
    lines.push(`# HELP ${heading} ${escapeHelp(help, format)}`, `# TYPE ${heading} ${type}`)
    const unit = format === 'openmetrics' ? NAMED_UNITS.find(each => heading.endsWith(`_${each}`)) : undefined
    if (unit !== undefined) lines.push(`# UNIT ${heading} ${unit}`)
    for (const sample of family.samples) addSample(lines, name, sample)
  }
  if (format === 'openmetrics') lines.push('# EOF')
  return `${lines.join('\n')}\n`
}

function addSample(lines: string[], name: string, { labels, value }: MetricSample): void {
  if (typeof value === 'number') lines.push(`${name}${labelText(labels)} ${numberText(value)}`)
  else addHistogram(lines, name, { labels, value })
}

function addHistogram(
  lines: string[],
  name: string,
  { labels, value }: { readonly labels: MetricSample['labels']; readonly value: HistogramValue },
): void {
  const { bounds, counts, sum } = value
  let count = 0
  for (const [i, inBucket] of counts.entries()) {
    count += inBucket
    const bound = bounds[i]
    const le = bound === undefined ? '+Inf' : boundText(bound)
    lines.push(`${name}_bucket${labelText({ ...labels, le })} ${count}`)
  }
  lines.push(
    `${name}_sum${labelText(labels)} ${numberText(sum)}`,
    `${name}_count${labelText(labels)} ${count}`,
  )
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const texts = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return texts.length === 0 ? '' : `{${texts.join(',')}}`
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function escapeHelp(help: string, format: ExpositionFormat): string {
  const escaped = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return format === 'openmetrics' ? escaped.replaceAll('"', '\\"') : escaped
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}

/** OpenMetrics wants the canonical form of a float in `le`: both formats get it, so that a series has one name. */
function boundText(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : String(bound)
}
