import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { policiesOf } from '../src/rules/rule.ts'
import { brazeRules } from '../src/validate.ts'

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8')

test('the README names every error code and every option, and no others', async () => {
  const readme = await read('../README.md')
  const codes = (text: string): string[] => [...new Set(text.match(/\bBRAZE_[A-Z_]+/g))].sort()
  assert.deepEqual(codes(readme), codes(await read('../src/errors.ts')))
  const source = (await read('../src/options.ts')) + (await read('../src/shaping-options.ts'))
  const fieldsOf = (name: string): string[] => {
    const body =
      new RegExp(`export interface ${name}(?: extends \\w+)? \\{(.*?)\\n\\}`, 's').exec(source)?.[1] ?? ''
    return [...body.matchAll(/readonly (\w+)\??:/g)].map(([, field = '']) => field)
  }
  const options = [
    ...fieldsOf('BrazeDestinationOptions').filter(name => name !== 'limits'),
    ...fieldsOf('BrazeShapingOptions'),
    ...fieldsOf('BrazeLimits').map(name => `limits.${name}`),
  ]
  const [, optionsTable = ''] = /^## Options$(.*?)^## /ms.exec(readme) ?? []
  const cells = optionsTable.match(/^\| (`[\w.]+`(?:, `\w+`)*) +\|/gm)?.join(' ') ?? ''
  assert.deepEqual((cells.match(/[\w.]+/g) ?? []).sort(), options.sort())
})

test('the README lists each rule with its policies, its source and what would become of the object', async () => {
  const readme = await read('../README.md')
  const [, section = ''] = /^## Rules$(.*?)^## /ms.exec(readme) ?? []
  const rows = section
    .split('\n')
    .filter(line => line.startsWith('| `'))
    .map(row => row.replaceAll(/ +/g, ' '))
  assert.equal(rows.length, brazeRules.length)
  for (const [index, rule] of brazeRules.entries()) {
    const row = rows[index] ?? ''
    assert.ok(row.startsWith(`| \`${rule.id}\` | ${rule.appliesTo.join(', ')} |`), row)
    assert.ok(row.includes(`| ${rule.otherwise} | ${policiesOf(rule).join(', ')} |`), row)
    assert.ok(row.includes(`(${rule.source})`), row)
  }
})
