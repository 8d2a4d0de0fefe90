import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runCli } from '../../src/cli/run.ts'

const topology = fileURLToPath(new URL('../..', import.meta.url))
const root = fileURLToPath(new URL('../../../..', import.meta.url))
const main = join(topology, 'src/cli/main.ts')

interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

interface Project {
  readonly directory: string
  write(path: string, content: unknown): void
  read(path: string): string
  tributary(...args: readonly string[]): Promise<Outcome>
}

function project(t: TestContext): Project {
  const directory = mkdtempSync(join(tmpdir(), 'codegen-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return {
    directory,
    write(path, content) {
      mkdirSync(dirname(join(directory, path)), { recursive: true })
      writeFileSync(join(directory, path), typeof content === 'string' ? content : JSON.stringify(content))
    },
    read: path => readFileSync(join(directory, path), 'utf8'),
    async tributary(...args) {
      let out = ''
      let err = ''
      const code = await runCli(args, {
        workingDirectory: directory,
        print: text => void (out += text),
        complain: text => void (err += text),
      })
      return { code, out, err }
    },
  }
}

function run(cwd: string, command: string, args: readonly string[]): Outcome {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (error !== undefined) throw error
  return { code: status, out: stdout, err: stderr }
}

const booking = {
  type: 'record',
  name: 'BookingCompleted',
  namespace: 'com.example',
  doc: "A customer's booking went through.",
  fields: [
    { name: 'bookingId', type: 'string' },
    { name: 'price', type: 'Price' },
    { name: 'fee', type: ['null', 'com.example.Price'], default: null },
    { name: 'status', type: { type: 'enum', name: 'Status', symbols: ['OPEN', 'DONE'] } },
    { name: 'note', type: 'string', default: 'it\'s "new"\n', doc: 'Free text; it is shown to nobody.' },
  ],
}
const price = {
  type: 'record',
  name: 'com.example.Price',
  fields: [
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'currency', type: 'string' },
  ],
}

test('what is generated compiles with strict checks, and its serde writes and reads', t => {
  const { directory, write } = project(t)
  write('schemas/booking.avsc', booking)
  write('schemas/price.avsc', price)
  const args = ['codegen', 'schemas/*.avsc', '--out', 'src/generated']
  const generated = run(directory, process.execPath, ['-C', '@tributary/source', main, ...args])
  assert.deepEqual([generated.code, generated.err], [0, ''])
  mkdirSync(join(directory, 'node_modules/@tributary'), { recursive: true })
  symlinkSync(topology, join(directory, 'node_modules/@tributary/topology'))
  symlinkSync(join(root, 'node_modules/@types'), join(directory, 'node_modules/@types'))
  write('package.json', { type: 'module' })
  write('tsconfig.json', {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: { isolatedDeclarations: true, declaration: true, rootDir: '/' },
    include: ['src'],
    references: [],
  })
  write(
    'src/main.ts',
    `import { InMemorySchemaRegistry } from '${join(topology, 'src/serde/in-memory-schema-registry.ts')}'
import { type BookingCompleted, bookingCompletedSchema, bookingCompletedSerde } from './generated/booking-completed.ts'
import { type Price, priceSerde } from './generated/price.ts'

const price: Price = { amount: '12.50', currency: 'EUR' }
const booking: BookingCompleted = { bookingId: 'b1', price, fee: null, status: 'OPEN', note: '' }
// @ts-expect-error the enum has no such symbol
const wrong: BookingCompleted = { ...booking, status: 'CLOSED' }
void wrong
const registry = new InMemorySchemaRegistry()
const context = { topic: 't', part: 'value', uses: { read: true, write: true }, registry } as const
const codec = await bookingCompletedSerde.open(context)
const bytes = Buffer.from(codec.encode(booking))
console.log(JSON.stringify([codec.decode(bytes, 0, bytes.length), bookingCompletedSchema.fields[4].default, priceSerde.name]))
`,
  )
  const compiled = run(directory, join(root, 'node_modules/.bin/tsc'), ['-p', '.'])
  assert.equal(compiled.code, 0, compiled.out)
  const ran = run(directory, process.execPath, ['-C', '@tributary/source', 'src/main.ts'])
  assert.equal(ran.code, 0, ran.err)
  const value = {
    bookingId: 'b1',
    price: { amount: '12.50', currency: 'EUR' },
    fee: null,
    status: 'OPEN',
    note: '',
  }
  assert.deepEqual(JSON.parse(ran.out), [value, 'it\'s "new"\n', 'avro:com.example.Price'])
})

test('the first line says what generated the file, and nothing in it depends on the machine', async t => {
  const { write, read, tributary } = project(t)
  write('schemas/booking.avsc', booking)
  write('schemas/price.avsc', price)
  await tributary('codegen', 'schemas/booking.avsc', 'schemas/price.avsc', '--out', 'src/generated')
  const text = read('src/generated/booking-completed.ts')
  assert.match(text, /^\/\/ Generated by tributary codegen from \.\.\/\.\.\/schemas\/booking\.avsc: /)
  assert.match(text, /\/\*\* A customer's booking went through\. \*\//)
  await tributary('codegen', 'schemas/price.avsc', 'schemas/*.avsc', '--out', 'src/generated')
  assert.equal(read('src/generated/booking-completed.ts'), text)
})

test('--check passes on what was generated, and fails on what is missing or was changed', async t => {
  const { directory, write, read, tributary } = project(t)
  write('schemas/price.avsc', price)
  const check = ['codegen', 'schemas/*.avsc', '--out', 'out', '--check'] as const
  const missing = await tributary(...check)
  assert.equal(missing.code, 1)
  assert.match(missing.err, /out\/price\.ts is missing/)
  assert.equal((await tributary('codegen', 'schemas/*.avsc', '--out', 'out')).code, 0)
  assert.deepEqual(await tributary(...check), { code: 0, out: '', err: '' })
  const text = read('out/price.ts')
  write('out/price.ts', `${text}// edited\n`)
  const edited = await tributary(...check)
  assert.equal(edited.code, 1)
  assert.match(edited.err, /out\/price\.ts differs/)
  assert.equal(read('out/price.ts'), `${text}// edited\n`)
  write('out/price.ts', text)
  write('schemas/price.avsc', { ...price, fields: price.fields.slice(1) })
  assert.equal((await tributary(...check)).code, 1)
  assert.deepEqual(readdirSync(join(directory, 'out')), ['price.ts'])
})

test('a schema that cannot be used is named, with the reason', async t => {
  const { write, tributary } = project(t)
  write('unknown.avsc', booking)
  write('broken.avsc', '{')
  write('nameless.avsc', { type: 'array', items: 'int' })
  const cases: readonly (readonly [string, RegExp])[] = [
    ['unknown.avsc', /^unknown\.avsc: .*refers to com\.example\.Price/],
    ['broken.avsc', /^broken\.avsc cannot be read: .*JSON/],
    ['nameless.avsc', /^nameless\.avsc: the schema has no name/],
    ['*.avdl', /^No file matches \*\.avdl/],
  ]
  for (const [file, message] of cases) {
    const { code, err } = await tributary('codegen', file, '--out', 'out')
    assert.equal(code, 1)
    assert.match(err, message)
    assert.doesNotMatch(err, /\n\s+at /)
  }
})

test('two schemas that would share a file or define one name differently are refused', async t => {
  const { write, tributary } = project(t)
  write('a.avsc', { type: 'enum', name: 'x.Status', symbols: ['A'] })
  write('b.avsc', { type: 'enum', name: 'y.Status', symbols: ['A'] })
  const shared = await tributary('codegen', 'a.avsc', 'b.avsc', '--out', 'out')
  assert.equal(shared.code, 1)
  assert.match(shared.err, /a\.avsc and b\.avsc would both be written to status\.ts/)
  const otherStatus = { type: 'enum', name: 'Status', symbols: ['B'] }
  write('c.avsc', { type: 'record', name: 'x.C', fields: [{ name: 'status', type: otherStatus }] })
  write('d.avsc', { type: 'record', name: 'x.R', fields: [{ name: 'status', type: 'Status' }] })
  const conflict = await tributary('codegen', 'd.avsc', 'a.avsc', 'c.avsc', '--out', 'out')
  assert.equal(conflict.code, 1)
  assert.match(conflict.err, /x\.Status is defined in a\.avsc and, not alike, in c\.avsc/)
})

test('the program ends with the command’s exit code, and its complaints go to standard error', async t => {
  const { directory } = project(t)
  const { code, out, err } = run(directory, process.execPath, ['-C', '@tributary/source', main, 'codegen'])
  assert.deepEqual([code, out], [2, ''])
  assert.match(err, /--out is missing/)
})

test('a wrong call exits with 2 and shows how it is called', async t => {
  const { tributary } = project(t)
  const calls: readonly (readonly string[])[] = [
    [],
    ['generate'],
    ['constructor'],
    ['codegen'],
    ['codegen', 'x.avsc'],
    ['codegen', 'x.avsc', '--outt', 'y'],
  ]
  for (const args of calls) {
    const { code, out, err } = await tributary(...args)
    assert.deepEqual([code, out], [2, ''], args.join(' '))
    assert.match(err, /Usage: tributary/)
  }
  for (const args of [['--help'], ['codegen', '--help']]) {
    const { code, out } = await tributary(...args)
    assert.equal(code, 0)
    assert.match(out, /Usage: tributary/)
  }
})
