import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8')

test('the README names every error code and every option, and no others', async () => {
  const readme = await read('../README.md')
  const codes = (text: string): string[] => [...new Set(text.match(/\bBRAZE_[A-Z_]+/g))].sort()
  assert.deepEqual(codes(readme), codes(await read('../src/errors.ts')))
  const source = await read('../src/options.ts')
  const fieldsOf = (name: string): string[] => {
    const body = new RegExp(`export interface ${name} \\{(.*?)\\n\\}`, 's').exec(source)?.[1] ?? ''
    return [...body.matchAll(/readonly (\w+)\??:/g)].map(([, field = '']) => field)
  }
  const options = [
    ...fieldsOf('BrazeDestinationOptions').filter(name => name !== 'limits'),
    ...fieldsOf('BrazeLimits').map(name => `limits.${name}`),
  ]
  const cells = readme.match(/^\| (`[\w.]+`(?:, `\w+`)*) \|/gm)?.join(' ') ?? ''
  assert.deepEqual((cells.match(/[\w.]+/g) ?? []).sort(), options.sort())
})
