import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { scratchDirectory, writeScript } from './scratch.ts'

const reporter = join(import.meta.dirname, '../../test-support/skip-is-failure.ts')

test('a skipped test fails the run and is named with its reason, and the summary still counts it', t => {
  const { status, stdout } = runTests(
    t,
    `test('passes', () => {})
test('needs a printer', { skip: 'no printer' }, () => {})
describe('a suite', () => { test('decides late', t => t.skip('too late')) })`,
  )
  assert.equal(status, 1)
  assert.match(stdout, /✖ needs a printer/)
  assert.match(stdout, /Skipped \(no printer\), which fails this run/)
  assert.match(stdout, /Skipped \(too late\), which fails this run/)
  assert.match(stdout, /^ℹ skipped 2$/m)
})

test('a run without skipped tests passes and ends with the summary', t => {
  const { status, stdout } = runTests(t, `test('passes', () => {})`)
  assert.equal(status, 0)
  assert.match(stdout, /✔ passes .*\nℹ tests 1\n(ℹ .*\n)*$/)
})

test('a failing test fails the run', t => {
  const { status, stdout } = runTests(t, `test('fails', () => { throw new Error('broken') })`)
  assert.equal(status, 1)
  assert.match(stdout, /broken/)
})

function runTests(t: TestContext, tests: string): { status: number | null; stdout: string } {
  const file = join(scratchDirectory(t), 'a.test.mjs')
  writeScript(file, `import { describe, test } from 'node:test'\n${tests}\n`)
  // The runner of this test marks its children; a runner that sees the mark reports to it instead.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  return spawnSync(process.execPath, ['--test', `--test-reporter=${reporter}`, file], {
    env,
    encoding: 'utf8',
  })
}
