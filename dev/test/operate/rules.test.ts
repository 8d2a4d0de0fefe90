import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import { DASHBOARDS, fileOf, textOf } from '../../dashboards/dashboards.ts'
import { queriesOf } from '../../dashboards/dashboard.ts'
import { debianRoot, PROMETHEUS, skipWithout } from '../../stack/debian-packages.ts'
import { ProcessGroup } from '../../stack/process-group.ts'
import { repositoryRoot } from '../../stack/repository.ts'

interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

const folder = join(repositoryRoot, 'deploy', 'prometheus')
const { groups } = parse(readFileSync(join(folder, 'rules.yml'), 'utf8')) as {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[]
}
const rules = groups.flatMap(group => group.rules)
const pages = readdirSync(join(repositoryRoot, 'docs', 'runbook'))
const TESTS = ['rules.test.yml', 'rules-slow.test.yml'] as const
const alerts = rules.filter(rule => rule.alert !== undefined)

const logDirectory = await mkdtemp(join(tmpdir(), 'promtool-'))
const group = new ProcessGroup()
after(async () => {
  await group.stop()
  await rm(logDirectory, { recursive: true, force: true })
})
const skip = await skipWithout({ group, logDirectory }, [PROMETHEUS])

async function promtool(...args: string[]): Promise<string> {
  const program = join(await debianRoot({ group, logDirectory }, PROMETHEUS), 'usr/bin/promtool')
  const { stdout, stderr } = await promisify(execFile)(program, args, { cwd: folder })
  return stdout + stderr
}

test('Prometheus takes the configuration and its rules', { skip }, async () => {
  assert.match(await promtool('check', 'config', '--lint-fatal', 'prometheus.yml'), /SUCCESS/)
})

test('each alert fires when it should, and is silent while all is well', { skip }, async () => {
  assert.match(await promtool('test', 'rules', ...TESTS), /SUCCESS/)
})

test('each alert has a unit test in which it fires, and one in which it does not', () => {
  const files = TESTS.map(file => parse(readFileSync(join(folder, file), 'utf8'))) as {
    readonly tests: readonly {
      readonly alert_rule_test: readonly {
        readonly alertname: string
        readonly exp_alerts?: readonly object[]
      }[]
    }[]
  }[]
  const cases = files.flatMap(({ tests }) => tests).flatMap(each => each.alert_rule_test)
  const named = (isFiring: boolean): string[] =>
    [
      ...new Set(cases.filter(one => (one.exp_alerts !== undefined) === isFiring).map(one => one.alertname)),
    ].toSorted()
  const all = alerts.map(({ alert }) => alert!).toSorted()
  assert.deepEqual(named(true), all)
  assert.deepEqual(named(false), all)
})

test('each alert says how urgent it is and has its page in the runbook; each page has its alert', () => {
  for (const { alert, labels, annotations } of alerts) {
    assert.match(labels?.['severity'] ?? '', /^(page|ticket)$/, alert)
    assert.ok((annotations?.['summary'] ?? '').length > 0, alert)
    assert.equal(annotations?.['runbook_url'], `docs/runbook/${alert}.md`)
    const page = readFileSync(join(repositoryRoot, annotations['runbook_url']), 'utf8')
    const wanted = [
      `# ${alert}`,
      `Severity: ${labels?.['severity']}.`,
      '## What it means',
      '## How to look',
      '## What to do',
    ]
    const lines = page.split('\n')
    for (const line of wanted) assert.ok(lines.includes(line), `${alert}: ${line}`)
  }
  const all = alerts.map(({ alert }) => alert!).toSorted()
  assert.deepEqual(
    pages.filter(file => file !== 'index.md').toSorted(),
    all.map(alert => `${alert}.md`),
  )
  const index = readFileSync(join(repositoryRoot, 'docs/runbook/index.md'), 'utf8')
  const listed = [...index.matchAll(/^\| \[(\w+)\]\((\w+)\.md\) \| (\w+) \|/gm)].map(
    ([, name, file, severity]) => {
      assert.equal(name, file)
      return `${name} ${severity}`
    },
  )
  assert.deepEqual(
    listed.toSorted(),
    alerts.map(({ alert, labels }) => `${alert} ${labels!['severity']}`).toSorted(),
  )
})

test('the dashboards are those that their definitions make', async () => {
  for (const dashboard of DASHBOARDS) {
    const text = readFileSync(fileOf(dashboard), 'utf8')
    assert.equal(text, await textOf(dashboard), `${fileOf(dashboard)}: npm run dashboards writes it anew`)
  }
  const files = readdirSync(join(repositoryRoot, 'deploy', 'grafana'))
  assert.deepEqual(files.toSorted(), DASHBOARDS.map(({ uid }) => `${uid}.json`).toSorted())
})

test('each metric that a rule, a dashboard or a page names is one that a service has', () => {
  const reference = readFileSync(join(repositoryRoot, 'docs/reference/metrics.md'), 'utf8')
  const known = new Set<string>()
  for (const [, name, type] of reference.matchAll(/^\| `([a-z_]+)` \| (\w+) \|/gm)) {
    known.add(name!)
    if (type === 'histogram') for (const part of ['bucket', 'sum', 'count']) known.add(`${name}_${part}`)
  }
  assert.ok(known.size > 50)
  const recorded = new Set(rules.map(({ record }) => record))
  const unknown = new Set<string>()
  const look = (text: string): void => {
    for (const [name] of text.matchAll(/(?<![\w:-])(tributary|process|nodejs)_[a-z0-9_]+/g)) {
      if (!known.has(name) && !recorded.has(name)) unknown.add(name)
    }
  }
  for (const { expr } of rules) look(expr)
  for (const dashboard of DASHBOARDS) for (const query of queriesOf(dashboard)) look(query)
  for (const file of pages) {
    look(readFileSync(join(repositoryRoot, 'docs', 'runbook', file), 'utf8'))
  }
  assert.deepEqual([...unknown], [])
})
