import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { repositoryRoot } from '../../stack/repository.ts'

interface Monitor {
  readonly name: string
  readonly type: string
  readonly query: string
  readonly message: string
  readonly priority: number
  readonly options: { readonly thresholds: { readonly critical: number } }
}

const read = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8')
const monitors = JSON.parse(read('deploy/datadog/monitors.json')) as readonly Monitor[]
const objective = JSON.parse(read('deploy/datadog/slo.json')) as {
  readonly query: { readonly numerator: string; readonly denominator: string }
  readonly thresholds: readonly { readonly target: number }[]
}

/** The agent's names of the services' metrics: `_total` becomes `.count`, a histogram `.count`, `.sum` and `.bucket`. */
const known = new Set(
  [...read('docs/reference/metrics.md').matchAll(/^\| `(?:tributary_)?([a-z_]+)` \| (\w+) \|/gm)].flatMap(
    ([, name, type]) => {
      if (type === 'histogram') return ['count', 'sum', 'bucket'].map(part => `tributary.${name}.${part}`)
      return [`tributary.${type === 'counter' ? name!.replace(/_total$/, '.count') : name}`]
    },
  ),
)

function unknownIn(query: string): string[] {
  return [...query.matchAll(/\btributary\.[a-z0-9_.]+(?=\{)/g)]
    .map(([name]) => name)
    .filter(name => !known.has(name))
}

test("Datadog's monitors are the alerts of Prometheus, as urgent, with the same pages", () => {
  const { groups } = parse(read('deploy/prometheus/rules.yml')) as {
    readonly groups: readonly {
      readonly rules: readonly { readonly alert?: string; readonly labels?: { readonly severity: string } }[]
    }[]
  }
  const alerts = groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert !== undefined)
  assert.deepEqual(
    monitors.map(({ name, priority }) => `${name} ${priority}`).toSorted(),
    alerts.map(({ alert, labels }) => `${alert} ${labels!.severity === 'page' ? 1 : 3}`).toSorted(),
  )
  for (const { name, message } of monitors)
    assert.ok(message.endsWith(`Runbook: docs/runbook/${name}.md`), name)
})

test('a monitor compares with the threshold that it names, and asks for metrics that there are', () => {
  assert.ok(known.has('tributary.dead_letters.count'))
  for (const { name, type, query, options } of monitors) {
    assert.deepEqual(unknownIn(query), [], name)
    if (type === 'service check') continue
    assert.equal(Number(/[<>]=? ([\d.]+)$/.exec(query)?.[1]), options.thresholds.critical, name)
  }
})

test('the objective is the good seconds of all seconds, 99.95 %', () => {
  const { numerator, denominator } = objective.query
  assert.deepEqual([...unknownIn(numerator), ...unknownIn(denominator)], [])
  assert.deepEqual([...new Set(objective.thresholds.map(({ target }) => target))], [99.95])
})
