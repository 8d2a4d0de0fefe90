import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { brazeAttributes, brazeDestination, brazeDryRun, brazeRules } from '@tributary/sink-braze'
import { runCli } from '../../../packages/sink-braze/src/cli/run.ts'
import { BRAZE_VARIABLES, readConfig } from '../src/config.ts'

const root = new URL('../../../', import.meta.url)
const docs = readFileSync(new URL('docs/braze.md', root), 'utf8')
const OPTIONS = { url: 'https://rest.fra-01.braze.eu', apiKey: 'key' }

/** The section under a heading, up to the next one. */
function section(heading: string): string {
  const [, rest = ''] = docs.split(`\n${heading}\n`)
  return rest.split(/\n#+ /)[0] as string
}

const cellsOf = (text: string): readonly (readonly string[])[] =>
  text
    .split('\n')
    .filter(line => line.trim().startsWith('| '))
    .map(line =>
      line
        .trim()
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map(cell => cell.trim()),
    )

const codeIn = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code as string)

test('docs/braze.md explains every figure of the status, and no other', () => {
  const { stats } = brazeDestination({ ...OPTIONS, limits: { maxRequestsPerHour: 9 } })
  const actual = Object.entries(stats).flatMap(([name, value]) =>
    name === 'limiter' || name === 'shaping'
      ? Object.keys(value as object).map(inner => `${name}.${inner}`)
      : [name],
  )
  const listed = cellsOf(section('## Figures')).flatMap(([names = '']) => codeIn(names))
  assert.deepEqual(listed.toSorted(), actual.toSorted())
})

test('the folding that docs/braze.md shows is what is sent', async () => {
  const rows = cellsOf(docs).filter(([first = '']) => first.startsWith('`{'))
  assert.ok(rows.length >= 8)
  for (const [first = '', then = '', sent = ''] of rows) {
    const [before] = codeIn(first)
    const [after = '{"city":"Rome"}'] = codeIn(then)
    const bodies: unknown[] = []
    const destination = brazeDryRun({ url: OPTIONS.url }, ({ body }) => void bodies.push(JSON.parse(body)))
    const items = [before as string, after].map((text, offset) => ({
      key: 'u',
      value: brazeAttributes({ external_id: 'u', ...(JSON.parse(text) as object) }),
      context: { topic: 't', partition: 0, offset, timestampMs: 0, headers: [] },
      attempts: 0,
    }))
    await destination.deliver(items, { signal: new AbortController().signal, isUrgent: false })
    const [expected] = codeIn(sent)
    if (expected === undefined) assert.equal(bodies.length, 2, `${first} and ${then}: ${sent}`)
    else
      assert.deepEqual(bodies, [{ attributes: [{ external_id: 'u', ...(JSON.parse(expected) as object) }] }])
  }
})

test('variables, rules and commands in docs/braze.md are there', () => {
  const variables = new Set([...docs.matchAll(/BRAZE_[A-Z_]+/g)].map(([name]) => name))
  for (const name of variables) assert.ok(name in BRAZE_VARIABLES, name)
  const [, rules = ''] = /BRAZE_RULES='([^']+)'/.exec(docs) ?? []
  assert.ok(rules.split(',').every(entry => brazeRules.some(({ id }) => entry.startsWith(`${id}=`))))
  const base = {
    KAFKA_BROKERS: 'k:1',
    SCHEMA_REGISTRY_URL: 'http://r',
    BRAZE_URL: OPTIONS.url,
    BRAZE_API_KEY: 'k',
  }
  assert.equal(Object.keys(readConfig({ ...base, BRAZE_RULES: rules }).rules).length, 3)
  const [, command = ''] =
    /tributary braze (capacity (?:.*\\\n)*.*)\n/.exec(section('## Setting the limits')) ?? []
  let complaints = ''
  const code = runCli(command.replaceAll('\\\n', ' ').trim().split(/\s+/), {
    print: () => undefined,
    complain: text => void (complaints += text),
    hasColours: false,
  })
  assert.deepEqual([code, complaints], [0, ''], command)
})

test('links of docs/braze.md lead to files and headings, and the thirty things name files that are there', () => {
  for (const [, target = ''] of docs.matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
    const [path = '', anchor] = target.split('#')
    const file = path === '' ? new URL('docs/braze.md', root) : new URL(path, new URL('docs/', root))
    assert.ok(existsSync(file), target)
    if (anchor === undefined) continue
    const headings = [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    )
    assert.ok(headings.includes(anchor), target)
  }
  const rows = cellsOf(section('## The thirty things')).filter(([number = '']) => /^\d+$/.test(number))
  assert.deepEqual(
    rows.map(([number]) => Number(number)),
    Array.from({ length: 30 }, (_, i) => i + 1),
  )
  const sources = globSync('packages/{sink-braze,topology}/src/**/*.ts', { cwd: fileURLToPath(root) })
  for (const [, , where = ''] of rows) {
    for (const file of codeIn(where).filter(code => code.endsWith('.ts'))) {
      assert.ok(
        sources.some(source => source.endsWith(`/${file}`)),
        file,
      )
    }
  }
})
