import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { quickRules } from '../../operate/quick-rules.ts'
import { repositoryRoot } from '../../stack/repository.ts'

test('minutes become seconds, hours minutes, and bounds in seconds sixtieths', () => {
  const rules = `expr: max by (job) (tributary_source_lag_seconds) > 60 and rate(x_seconds[5m]) > 0.25
    or tributary_source_commit_age_seconds{job="a"} > 120 unless y offset 3d
for: 2h`
  assert.equal(
    quickRules(rules),
    `expr: max by (job) (tributary_source_lag_seconds) > 1 and rate(x_seconds[5s]) > 0.25
    or tributary_source_commit_age_seconds{job="a"} > 2 unless y offset 72m
for: 2m`,
  )
})

test('no duration and no bound of the rules is left as it was', () => {
  const rules = readFileSync(join(repositoryRoot, 'deploy/prometheus/rules.yml'), 'utf8')
  const quick = quickRules(rules)
  assert.doesNotMatch(quick, /_seconds\)? > (60|120)\b/)
  assert.equal(quick.split('\n').length, rules.split('\n').length)
  assert.notEqual(quick, rules)
})
