import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))
const TRIBUTARY = path('../../../topology/src/cli/main.ts')
const TRIBUTARY_BRAZE = path('../../src/cli/main.ts')

test('tributary finds the calculator as a plug-in and ends with its verdict', t => {
  const directory = mkdtempSync(join(tmpdir(), 'braze-cli-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const bin = join(directory, 'node_modules/.bin')
  mkdirSync(bin, { recursive: true })
  const script = `#!/bin/sh\nexec '${process.execPath}' -C @tributary/source '${TRIBUTARY_BRAZE}' "$@"\n`
  writeFileSync(join(bin, 'tributary-braze'), script, { mode: 0o755 })
  const tributary = (...args: readonly string[]) =>
    spawnSync(process.execPath, ['-C', '@tributary/source', TRIBUTARY, ...args], {
      cwd: directory,
      encoding: 'utf8',
    })
  assert.match(tributary('help').stdout, /Plug-ins:\n {2}braze /)
  const over = tributary('braze', 'capacity', '--events-per-second', '40000', '--json')
  assert.deepEqual([over.status, JSON.parse(over.stdout).carries], [1, false])
  const wrong = tributary('braze', 'capacity', '--events-per-second', 'x')
  assert.deepEqual([wrong.status, wrong.stdout], [2, ''])
})

test('the package’s program is what is built from it', () => {
  const { bin } = JSON.parse(readFileSync(path('../../package.json'), 'utf8'))
  assert.deepEqual(bin, { 'tributary-braze': './dist/cli/main.js' })
  assert.ok(existsSync(TRIBUTARY_BRAZE))
})
