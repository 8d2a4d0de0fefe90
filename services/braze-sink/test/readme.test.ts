import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { USAGE } from '../src/arguments.ts'
import { BRAZE_VARIABLES, readConfig } from '../src/config.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const MINIMUM = {
  KAFKA_BROKERS: 'kafka:9092',
  SCHEMA_REGISTRY_URL: 'http://registry',
  BRAZE_URL: 'https://rest.fra-01.braze.eu',
  BRAZE_API_KEY: 'key',
}

interface Row {
  readonly names: readonly string[]
  readonly defaults: string
  readonly text: string
}

const rows: readonly Row[] = readme
  .split('\n')
  .filter(line => line.startsWith('| `') && !line.startsWith('| `GET'))
  .map(line => {
    const [, names = '', defaults = '', text = ''] = line.split('|').map(cell => cell.trim())
    return { names: [...names.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name as string), defaults, text }
  })

test('README.md lists the variables of this service and no other, each with its default', () => {
  const listed = rows.flatMap(({ names }) => names).filter(name => name.startsWith('BRAZE_'))
  assert.deepEqual(listed.toSorted(), Object.keys(BRAZE_VARIABLES).toSorted())
  for (const [name, { fallback }] of Object.entries(BRAZE_VARIABLES)) {
    const row = rows.find(({ names }) => names.includes(name))
    const expected = fallback === undefined ? (name === 'BRAZE_URL' ? 'required' : '') : `\`${fallback}\``
    assert.equal(row?.defaults, expected, name)
  }
})

test('README.md names every choice of a variable', () => {
  for (const [name, variable] of Object.entries(BRAZE_VARIABLES)) {
    if (!('choices' in variable)) continue
    const row = rows.find(({ names }) => names.includes(name))
    for (const choice of variable.choices) assert.ok(row?.text.includes(`\`${choice}`), `${name}: ${choice}`)
  }
})

test('the defaults that are listed are the ones that are used', () => {
  const spelt = Object.entries(BRAZE_VARIABLES).flatMap(([name, { fallback }]) =>
    fallback === undefined ? [] : [[name, fallback] as const],
  )
  assert.deepEqual(readConfig({ ...MINIMUM, ...Object.fromEntries(spelt) }), readConfig(MINIMUM))
})

test('the other variables that README.md lists are read, and its links lead to files', () => {
  const others = rows.flatMap(({ names }) => names).filter(name => !name.startsWith('BRAZE_'))
  const source = readFileSync(
    new URL('../../../packages/service/src/environment.ts', import.meta.url),
    'utf8',
  )
  for (const name of others) assert.ok(source.includes(`'${name}'`), name)
  assert.ok(others.length >= 8)
  for (const [, target] of readme.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
    assert.ok(existsSync(new URL(`../${target}`, import.meta.url)), target)
  }
  for (const option of ['--dry-run', '--follow', '--limit']) {
    assert.ok(readme.includes(option) && USAGE.includes(option), option)
  }
})
