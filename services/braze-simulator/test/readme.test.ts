import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as api from '@tributary/braze-simulator'
import { variableOf } from '../src/config.ts'
import { optionNames } from '../src/options.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

/** The line of the tables that begins with this, in code marks. */
function rowOf(name: string, text: string = readme): string {
  const row = text.split('\n').find(line => line.startsWith(`| \`${name}\` `))
  assert.ok(row !== undefined, `README.md has no row for ${name}`)
  // The formatter pads the cells.
  return row.replaceAll(/ +/g, ' ')
}

test('README.md lists each rule with its message, its source and what the source says', () => {
  for (const { id, message, source, basis } of api.rules) {
    const row = rowOf(id)
    assert.ok(row.includes(message), `${id}: ${message}`)
    assert.ok(row.includes(`(${source})`), `${id}: ${source}`)
    assert.ok(row.includes(`| ${basis} |`), `${id}: ${basis}`)
  }
})

test('README.md lists each refusal of a request with its status, message and source', () => {
  for (const { id, status, message, source } of Object.values(api.refusals)) {
    const row = rowOf(id)
    assert.ok(row.includes(`| ${status} | ${message} |`), id)
    assert.ok(row.includes(`(${source})`), id)
  }
})

test('README.md lists each silent effect with its source', () => {
  for (const [name, { says, source }] of Object.entries(api.silentEffects)) {
    const row = rowOf(name)
    assert.ok(row.includes(says), name)
    assert.ok(row.includes(`(${source})`), name)
  }
})

test('README.md lists each kind of fault with what it does and its source', () => {
  const [, faults = ''] = readme.split('\n## Faults\n')
  for (const [name, { says, source }] of Object.entries(api.faultKinds)) {
    const row = rowOf(name, faults)
    assert.ok(row.includes(says), name)
    if (source !== undefined) assert.ok(row.includes(`(${source})`), name)
  }
})

test('README.md lists each option with its variable', () => {
  for (const name of optionNames) assert.ok(rowOf(name).includes(`\`${variableOf(name)}\``), name)
})

test('the package exports these names', () => {
  assert.deepEqual(Object.keys(api).sort(), [
    'SimulatorConfigError',
    'createSimulator',
    'faultKinds',
    'refusals',
    'rules',
    'silentEffects',
    'systemClock',
  ])
})
