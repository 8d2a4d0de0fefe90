import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { CONSOLE_VARIABLES } from '../src/config.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

test('README.md lists the variables of the console and no other, each with its default', () => {
  const rows = [...readme.matchAll(/^\| `(CONSOLE_\w+)` \| (?:`(\w+)`)? ?\|/gm)]
  assert.deepEqual(
    rows.map(([, name, fallback]) => [name!, fallback]).toSorted(([a], [b]) => (a! < b! ? -1 : 1)),
    Object.entries(CONSOLE_VARIABLES).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  )
})
