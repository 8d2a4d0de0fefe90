import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { until } from '../../../test-support/until.ts'
import { queriesOf } from '../../dashboards/dashboard.ts'
import { DASHBOARDS } from '../../dashboards/dashboards.ts'
import { Scene } from '../../operate/scene.ts'
import { PROMETHEUS, skipWithout } from '../../stack/debian-packages.ts'
import { newLogDirectory } from '../../stack/log-directory.ts'
import { ProcessGroup } from '../../stack/process-group.ts'
import { repositoryRoot } from '../../stack/repository.ts'

const rulesText = readFileSync(join(repositoryRoot, 'deploy/prometheus/rules.yml'), 'utf8')
const { groups } = parse(rulesText) as {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert?: string; readonly record?: string; readonly expr: string }[]
  }[]
}

/** Queries of dashboards that have no data while all is well, and why. */
const EMPTY_WHEN_HEALTHY: readonly (readonly [part: string, why: string])[] = [
  ['on (job, topic, partition) tributary_source_lag_records > 0', 'nothing waits'],
]

const logDirectory = await newLogDirectory('prometheus')
const packages = new ProcessGroup()
const skip = await skipWithout({ group: packages, logDirectory }, [PROMETHEUS])
await packages.stop()

test(
  'a Prometheus that scrapes the running services answers every dashboard, and no alert fires',
  { skip },
  async t => {
    const group = new ProcessGroup()
    t.after(() => group.stop())
    const scene = await Scene.start({
      group,
      logDirectory,
      say: () => undefined,
      events: 4_000,
      malformed: 3,
      instances: { 'marketing-events': 1, 'braze-sink': 1 },
      rules: rulesText,
    })
    const { prometheus } = scene
    await scene.publishPoison()
    const unanswered = new Set(DASHBOARDS.flatMap(queriesOf))
    const expectedEmpty = (query: string): boolean =>
      EMPTY_WHEN_HEALTHY.some(([part]) => query.includes(part))
    await until(
      `every query of the dashboards has data`,
      async () => {
        // A little at a time, so that there are rates for as long as it takes.
        await scene.publish(100)
        for (const query of unanswered) {
          const samples = await prometheus.query(query)
          if (samples.some(({ value }) => Number.isFinite(value)) || expectedEmpty(query))
            unanswered.delete(query)
        }
        return unanswered.size === 0
      },
      { timeoutMs: 30_000, everyMs: 500 },
    ).catch(() => assert.fail(`no data for ${[...unanswered].join('\n')}`))

    const names = groups.flatMap(({ rules }) => rules.map(({ alert, record }) => alert ?? record!))
    await until('every rule has been evaluated', async () => {
      const health = await prometheus.ruleHealth()
      return names.every(name => (health.get(name) ?? 'unknown') !== 'unknown')
    })
    const health = await prometheus.ruleHealth()
    assert.deepEqual(
      names.filter(name => health.get(name) !== 'ok').map(name => `${name}: ${health.get(name)}`),
      [],
    )
    const selectors = new Set(groups.flatMap(({ rules }) => rules.flatMap(({ expr }) => metricsOf(expr))))
    const missing: string[] = []
    for (const metric of selectors) {
      if ((await prometheus.query(metric)).length === 0) missing.push(metric)
    }
    assert.deepEqual(missing, [], 'metrics of the rules that nobody has')
    const firing = (await prometheus.alerts()).filter(({ state }) => state === 'firing')
    // The malformed records are dead letters, and that is what this alert is for.
    assert.deepEqual([...new Set(firing.map(({ name }) => name))], ['TributaryDeadLetters'])
  },
)

function metricsOf(expr: string): string[] {
  return [...expr.matchAll(/(?<![\w:-])(?:tributary|process|nodejs)_[a-z0-9_]+/g)].map(([name]) => name)
}
