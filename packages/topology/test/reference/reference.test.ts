import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { APP_OPTIONS } from '../../src/config.ts'

const page = (name: string): string =>
  readFileSync(new URL(`../../../../docs/reference/${name}`, import.meta.url), 'utf8')

test('docs/reference/config.md lists every option with its default and what is allowed, and no other', () => {
  const rows = [...page('config.md').matchAll(/^\| `(\w+)` \| (\S+) \| (.+?) \| (\S.*) \|$/gm)]
  assert.deepEqual(
    rows.map(([, name, fallback, allowed]) => [name, fallback, allowed?.replaceAll('\\|', '|')]),
    Object.entries(APP_OPTIONS).map(([name, { fallback, allowed }]) => [
      name,
      fallback === undefined ? '–' : `\`${fallback}\``,
      allowed,
    ]),
  )
})

test('docs/reference/errors.md explains every code, and no other', () => {
  const source = readFileSync(new URL('../../src/errors.ts', import.meta.url), 'utf8')
  const codes = [...source.matchAll(/\| '(TOPOLOGY_\w+)'/g)].map(([, code]) => code)
  const explained = [...page('errors.md').matchAll(/^\| `(TOPOLOGY_\w+)` \| \S/gm)].map(([, code]) => code)
  assert.ok(codes.length > 20)
  assert.deepEqual(new Set(explained), new Set(codes))
  assert.equal(explained.length, codes.length)
})
