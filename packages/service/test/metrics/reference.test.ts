import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ACTIVITIES_METRICS } from '@tributary/activities-api'
import { CONSUMER_METRICS, ENRICHER_METRICS, PROCESS_METRICS } from '@tributary/service'
import { BRAZE_METRICS } from '@tributary/sink-braze'
import { APP_METRICS, type MetricCatalog } from '@tributary/topology'

const read = (path: string): string =>
  readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8').toString()
const page = read('docs/reference/metrics.md')

const CATALOGS: Readonly<Record<string, MetricCatalog>> = {
  'Of an application': APP_METRICS,
  'Of an enricher': ENRICHER_METRICS,
  'Of the consumer and its objective': CONSUMER_METRICS,
  'Of the Braze sink': BRAZE_METRICS,
  'Of activities-api': ACTIVITIES_METRICS,
  'Of the process': PROCESS_METRICS,
}

for (const [heading, catalog] of Object.entries(CATALOGS))
  test(`docs/reference/metrics.md, "${heading}", lists every metric as it is, and no other`, () => {
    const section = page.split(/^## /m).find(each => each.startsWith(`${heading}\n`)) ?? ''
    const rows = [
      ...section.matchAll(/^\| `(\w+)` \| (counter|gauge|histogram) \| (.+?) \| (.+?) \| (.+) \|$/gm),
    ]
    assert.deepEqual(
      rows.map(row => row.slice(1)),
      Object.entries(catalog).map(([name, { type, labels, unit, help }]) => [
        name,
        type,
        labels.map(label => `\`${label}\``).join(', ') || '–',
        unit,
        help,
      ]),
    )
  })

test('docs/reference/metrics.md explains every reason to drop a record, and no other', () => {
  const source = read('packages/topology/src/plan/compiled.ts')
  const [, union = ''] = /type DropReason =([^]*?)\n\n/.exec(source) ?? []
  const reasons = [...union.matchAll(/'([\w-]+)'/g)].map(([, reason]) => reason)
  assert.ok(reasons.length > 5)
  const explained = [...page.matchAll(/^\| `([a-z-]+)` \| [^|]+ \|$/gm)].map(([, reason]) => reason)
  assert.deepEqual(explained, reasons)
})

test('names follow the conventions of Prometheus', () => {
  for (const catalog of Object.values(CATALOGS))
    for (const [name, { type, unit, labels, help }] of Object.entries(catalog)) {
      assert.match(name, /^(tributary|process|nodejs)(_[a-z0-9]+)+$/)
      assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`)
      if (unit === 'seconds' || unit === 'bytes' || unit === 'ratio')
        assert.match(name, new RegExp(`_${unit}(_total)?$`), `${name} has the unit ${unit}`)
      for (const label of labels) assert.match(label, /^[a-z_]+$/)
      assert.ok(!labels.includes('le') && !labels.includes('job') && !labels.includes('instance'))
      assert.match(help, /^\S.*[^.]$/, `${name}: the help is one sentence without a full stop`)
    }
})
