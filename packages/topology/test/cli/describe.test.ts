import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { int64, json, streamTopic, string, tableTopic, topology, type Topology } from '@tributary/topology'
import { compareTopologies } from '../../src/cli/describe/compare.ts'
import { type ChangeKind, JUDGEMENTS } from '../../src/cli/describe/judgements.ts'
import { greeter } from './fixtures/greeter.ts'
import { tributary } from './dlq-support.ts'

const GREETER = fileURLToPath(new URL('./fixtures/greeter.ts', import.meta.url))
const text = { key: string(), value: string() }
const numbers = { key: string(), value: json<number>() }
const destination = { name: 'somewhere', deliver: () => Promise.resolve([]) }

function folder(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'describe-'))
  t.after(() => rmSync(root, { recursive: true }))
  return (name: string, content: string): string => {
    const path = join(root, name)
    writeFileSync(path, content)
    return path
  }
}

interface Shape {
  readonly name?: string
  readonly source?: 'words' | 'speeches'
  readonly sourceValue?: typeof text | typeof numbers
  readonly offsetReset?: 'earliest' | 'latest'
  readonly table?: 'partitioned' | 'global' | 'none'
  readonly tableTopic?: string
  readonly tableValue?: typeof text | typeof numbers
  readonly join?: 'inner' | 'left' | 'none'
  readonly repartition?: string
  readonly repartitionPartitions?: number
  readonly repartitionKey?: 'string' | 'int64'
  readonly sink?: string
  readonly sinkValue?: typeof text | typeof numbers
  readonly delivery?: 'none' | 'plain' | 'slow'
  readonly memory?: string
  readonly filter?: boolean
  readonly second?: 'none' | 'merged' | 'apart'
}

/** One topology with everything that the comparison looks at, each part of it to be changed alone. */
function built(shape: Shape): Topology {
  const builder = topology(shape.name ?? 'app')
  const from = { name: 'in', ...(shape.offsetReset && { offsetReset: shape.offsetReset }) }
  let words = builder.stream(
    streamTopic(shape.source ?? 'words', (shape.sourceValue ?? text) as typeof text),
    from,
  )
  const second = shape.second ?? 'none'
  if (second === 'apart') builder.stream(streamTopic('more', text), { name: 'more' }).foreach(() => undefined)
  if (second === 'merged') words = words.merge(builder.stream(streamTopic('more', text), { name: 'more' }))
  const table = shape.table ?? 'partitioned'
  const rows = tableTopic(shape.tableTopic ?? 'rows', (shape.tableValue ?? text) as typeof text)
  const options = { name: 'joined', joiner: (word: string) => word }
  if (table === 'global')
    words = words.join(builder.globalTable(rows, { name: 't' }), { ...options, key: word => word })
  if (table === 'partitioned' && shape.join !== 'none')
    words =
      shape.join === 'left'
        ? words.leftJoin(builder.table(rows, { name: 't' }), options)
        : words.join(builder.table(rows, { name: 't' }), options)
  if (shape.filter === true) words = words.filter(() => true, { name: 'kept' })
  if (shape.delivery !== 'none')
    words.deliver({
      name: 'out',
      destination,
      maxBatchItems: 1,
      lingerMs: shape.delivery === 'slow' ? 500 : 5,
      ...(shape.memory !== undefined && { memory: tableTopic(shape.memory, text) }),
    })
  words.to(streamTopic(shape.sink ?? 'results', (shape.sinkValue ?? text) as typeof text), { name: 'sink' })
  if (shape.repartition !== undefined) {
    const partitions = shape.repartitionPartitions
    const key = (shape.repartitionKey === 'int64' ? int64() : string()) as ReturnType<typeof string>
    words
      .repartition({
        name: shape.repartition,
        key,
        value: text.value,
        ...(partitions !== undefined && { partitions }),
      })
      .foreach(() => undefined, { name: 'end' })
  }
  return builder.build()
}

const PLAIN: Shape = { delivery: 'none' }

const CASES: readonly (readonly [before: Shape, after: Shape, kinds: readonly ChangeKind[]])[] = [
  [PLAIN, PLAIN, []],
  [PLAIN, { ...PLAIN, name: 'other' }, ['application-renamed']],
  [PLAIN, { ...PLAIN, source: 'speeches' }, ['source-removed', 'source-added', 'sub-topologies-changed']],
  [PLAIN, { ...PLAIN, sourceValue: numbers }, ['source-serde-changed']],
  [PLAIN, { ...PLAIN, offsetReset: 'latest' }, ['source-offset-reset-changed']],
  [
    PLAIN,
    { ...PLAIN, repartition: 'again' },
    ['repartition-added', 'sub-topologies-changed', 'steps-changed'],
  ],
  [
    { ...PLAIN, repartition: 'again' },
    { ...PLAIN, repartition: 'anew' },
    ['repartition-removed', 'repartition-added', 'sub-topologies-changed', 'steps-changed'],
  ],
  [
    { ...PLAIN, repartition: 'again' },
    { ...PLAIN, repartition: 'again', repartitionKey: 'int64' },
    ['repartition-serde-changed'],
  ],
  [
    { ...PLAIN, repartition: 'again', repartitionPartitions: 6 },
    { ...PLAIN, repartition: 'again', repartitionPartitions: 12 },
    ['repartition-partitions-changed'],
  ],
  [{ ...PLAIN, repartition: 'again', repartitionPartitions: 6 }, { ...PLAIN, repartition: 'again' }, []],
  [PLAIN, { ...PLAIN, second: 'apart' }, ['source-added', 'sub-topologies-changed', 'steps-changed']],
  [
    { delivery: 'plain', memory: 'seen', second: 'none' },
    { delivery: 'plain', memory: 'seen', second: 'merged' },
    ['source-added', 'memory-tasks-changed', 'sub-topologies-changed', 'steps-changed'],
  ],
  [{ delivery: 'plain' }, { delivery: 'plain', memory: 'seen' }, ['memory-added']],
  [{ delivery: 'plain', memory: 'seen' }, { delivery: 'plain' }, ['memory-removed']],
  [{ delivery: 'plain', memory: 'seen' }, PLAIN, ['memory-removed', 'delivery-removed']],
  [{ delivery: 'plain', memory: 'a' }, { delivery: 'plain', memory: 'b' }, ['memory-moved']],
  [PLAIN, { delivery: 'plain' }, ['delivery-added']],
  [{ delivery: 'plain' }, { delivery: 'slow' }, ['delivery-changed']],
  [{ ...PLAIN, table: 'none' }, PLAIN, ['table-added', 'join-added']],
  [PLAIN, { ...PLAIN, join: 'none' }, ['table-removed', 'join-removed']],
  [PLAIN, { ...PLAIN, join: 'left' }, ['join-changed']],
  [PLAIN, { ...PLAIN, tableTopic: 'others' }, ['table-topic-changed']],
  [PLAIN, { ...PLAIN, tableValue: numbers }, ['table-serde-changed']],
  [PLAIN, { ...PLAIN, table: 'global' }, ['table-scope-changed']],
  [PLAIN, { ...PLAIN, sink: 'elsewhere' }, ['sink-topic-removed', 'sink-topic-added']],
  [PLAIN, { ...PLAIN, sinkValue: numbers }, ['sink-serde-changed']],
  [PLAIN, { ...PLAIN, filter: true }, ['steps-changed']],
]

test('each change of a topology is told once, by its kind', () => {
  const seen = new Set<ChangeKind>()
  for (const [before, after, kinds] of CASES) {
    const changes = compareTopologies(built(before).toJSON(), built(after).toJSON())
    const found = changes.map(({ kind }) => kind)
    assert.deepEqual(found, kinds, JSON.stringify([before, after]))
    for (const { kind, verdict } of changes) {
      assert.equal(verdict, JUDGEMENTS[kind].verdict)
      seen.add(kind)
    }
  }
  assert.deepEqual([...seen].toSorted(), Object.keys(JUDGEMENTS).toSorted())
})

test('a description is the same after its way through a file', () => {
  for (const [shape] of CASES) {
    const description = built(shape).toJSON()
    assert.deepEqual(compareTopologies(JSON.parse(JSON.stringify(description)), description), [])
  }
})

test('describe shows a module’s topology as text, Mermaid and JSON', async () => {
  const expected = greeter()
  assert.deepEqual(await tributary(['describe', GREETER]), { code: 0, out: expected.describe(), err: '' })
  assert.equal((await tributary(['describe', GREETER, '--format', 'mermaid'])).out, expected.toMermaid())
  for (const args of [['--json'], ['--format', 'json']]) {
    const { out } = await tributary(['describe', GREETER, ...args])
    assert.deepEqual(JSON.parse(out), JSON.parse(JSON.stringify(expected)))
  }
})

test('what a topology module is to export is found, chosen or asked for', async t => {
  const write = folder(t)
  const stub = `({ name: 'stub', compiled: {}, toJSON: () => ({}), toMermaid: () => '', describe: () => 'stub' })`
  const path = write(
    'many.ts',
    `export const number: number = 1
     export const one = ${stub}
     export const two = ${stub}
     export function takes(options: { x: number }) { const x = String(options.x); return { ...one, describe: () => x } }`,
  )
  const shown = (...args: readonly string[]) => tributary(['describe', path, ...args])
  assert.equal((await shown('--export', 'one')).out, 'stub')
  assert.equal((await shown('--export', 'takes', '--args', '[{"x":5}]')).out, '5')
  for (const [args, code, complaint] of [
    [[], 2, /several exports that could be meant: one, two. --export chooses/],
    [['--export', 'three'], 1, /no export three; it has number, one, takes, two/],
    [['--export', 'number'], 1, /neither a topology nor a function/],
    [['--export', 'takes'], 1, /builds no topology: .*\nIt takes 1 and was given 0: --args/],
    [['--export', 'takes', '--args', '{}'], 2, /--args is \{\}; a JSON array is needed/],
    [['--format', 'yaml'], 2, /--format is "yaml"; allowed: text, mermaid, json/],
    [['--format', 'text', '--json'], 2, /two formats/],
  ] as const) {
    const outcome = await shown(...args)
    assert.equal(outcome.code, code, args.join(' '))
    assert.match(outcome.err, complaint)
  }
  assert.match((await tributary(['describe', 'no-such.ts'])).err, /There is no file no-such\.ts/)
  assert.match((await tributary(['describe', write('empty.ts', 'export {}')])).err, /it has none/)
  assert.match(
    (await tributary(['describe', write('broken.ts', 'throw new Error("off")')])).err,
    /loaded: off/,
  )
})

test('a stand-in for a destination describes a topology that delivers', async t => {
  const path = folder(t)(
    'sink.ts',
    `import { string, streamTopic, topology } from ${JSON.stringify(import.meta.resolve('@tributary/topology'))}
     export function sink({ destination }) {
       const builder = topology('sink')
       builder.stream(streamTopic('words', { key: string(), value: string() })).deliver({ destination, maxBatchItems: 10 })
       return builder.build()
     }`,
  )
  const { code, out } = await tributary([
    'describe',
    path,
    '--json',
    '--args',
    '[{"destination":{"$destination":"crm"}}]',
  ])
  assert.equal(code, 0)
  assert.match(out, /"destination": "crm"/)
})

test('describe diff ends with the code of the worst change, and says what each means', async t => {
  const write = folder(t)
  const file = (name: string, shape: Shape): string => write(name, JSON.stringify(built(shape)))
  const old = file('old.json', PLAIN)
  const diff = (next: string, ...args: readonly string[]) =>
    tributary(['describe', 'diff', old, next, ...args])
  assert.deepEqual(await diff(old), { code: 0, out: 'Nothing differs.\n', err: '' })
  const safe = await diff(file('safe.json', { ...PLAIN, filter: true }))
  assert.equal(safe.code, 0)
  assert.match(safe.out, /^safe +steps-changed app: none → kept\n/)
  const worse = await diff(file('renamed.json', { ...PLAIN, name: 'other', filter: true }))
  assert.equal(worse.code, 3)
  assert.match(worse.out, /^reset-or-drain +application-renamed other: app → other\n +the consumer group/)
  assert.match(worse.out, /\n2 changes: reset-or-drain\n$/)
  const worst = await diff(file('sink.json', { ...PLAIN, name: 'other', sinkValue: numbers }), '--json')
  assert.equal(worst.code, 4)
  const { verdict, changes } = JSON.parse(worst.out) as { verdict: string; changes: { kind: string }[] }
  assert.equal(verdict, 'incompatible')
  assert.deepEqual(
    changes.map(({ kind }) => kind),
    ['application-renamed', 'sink-serde-changed'],
  )
  assert.equal((await tributary(['describe', 'diff', GREETER, GREETER])).code, 0)
  assert.match((await diff(write('bad.json', '{'))).err, /bad\.json cannot be read/)
  assert.match((await diff(write('other.json', '{"name":"x"}'))).err, /is no topology/)
  assert.match((await tributary(['describe', 'diff', old])).err, /The new description is missing/)
})
