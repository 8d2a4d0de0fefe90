import assert from 'node:assert/strict'
import { globSync, readFileSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { repositoryRoot } from './pages.ts'

const FOLDER = `${repositoryRoot}docs/images/console/`
const MAX_BYTES = 150_000
const MAX_BYTES_IN_ALL = 3_000_000

test('there is a picture of each page of the console in light, in dark and on a phone, and docs/console.md shows it', () => {
  const pages = readFileSync(`${repositoryRoot}services/console/web/src/pages/pages.ts`, 'utf8')
  const names = [...pages.matchAll(/ path: '#\/\S*', name: '([^']+)'/g)].map(([, name]) => name!)
  assert.ok(names.length > 5)
  const files = [...names.map(name => name.toLowerCase().replace(' ', '-')), 'dead-letter', 'sign-in']
  const expected = files.flatMap(file => ['light', 'dark', 'phone'].map(look => `${file}-${look}.webp`))
  const found = globSync('*', { cwd: FOLDER })
  assert.deepEqual(found.toSorted(), expected.toSorted())
  const text = readFileSync(`${repositoryRoot}docs/console.md`, 'utf8')
  assert.deepEqual(
    found.filter(name => !text.includes(`(images/console/${name})`)),
    [],
  )
  const sizes = found.map(name => statSync(FOLDER + name).size)
  assert.ok(Math.max(...sizes) < MAX_BYTES)
  assert.ok(sizes.reduce((sum, size) => sum + size, 0) < MAX_BYTES_IN_ALL)
})
