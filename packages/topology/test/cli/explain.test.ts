import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { avro } from '@tributary/topology'
import type { Explanation } from '../../src/cli/explain/explanation.ts'
import type { StepTrace, TraceEvent } from '../../src/cli/explain/tracer.ts'
import { runCli } from '../../src/cli/run.ts'
import { InMemorySchemaRegistry } from '../../src/serde/in-memory-schema-registry.ts'
import { createFakeClient, type FakeClient } from '../../src/testing/fake-client.ts'
import type { Outcome } from './dlq-support.ts'

const GREETER = fileURLToPath(new URL('./fixtures/greeter.ts', import.meta.url))
const PARTITIONS = 3

interface Stage {
  readonly kafka: FakeClient
  readonly registry: InMemorySchemaRegistry
  booking(key: string | null, value: { bookingId: string; cityId: string } | Buffer): Promise<string[]>
  customer(key: string, value: { firstName: string; optedIn: boolean } | null): Promise<void>
  run(args: readonly string[], module?: string): Promise<Outcome>
  explain(place: readonly string[], ...args: readonly string[]): Promise<Explanation>
  module(t: TestContext, weather: string): string
}

async function stage(): Promise<Stage> {
  const registry = new InMemorySchemaRegistry()
  const kafka = createFakeClient({
    topics: [
      { name: 'bookings', partitions: PARTITIONS },
      { name: 'customers', partitions: PARTITIONS, cleanupPolicy: 'compact' },
      { name: 'cities', partitions: 2, cleanupPolicy: 'compact' },
      { name: 'greetings', partitions: PARTITIONS },
    ],
  })
  const codec = async (topic: string, name: string, fields: readonly object[]) =>
    avro({ type: 'record', name, fields } as never).open({
      topic,
      part: 'value',
      uses: { read: false, write: true },
      registry,
    })
  const text = (name: string, type = 'string'): object => ({ name, type })
  const bookings = await codec('bookings', 'com.example.Booking', [text('bookingId'), text('cityId')])
  const customers = await codec('customers', 'com.example.Customer', [
    text('firstName'),
    text('optedIn', 'boolean'),
  ])
  const run = async (args: readonly string[], module = GREETER): Promise<Outcome> => {
    let [out, err] = ['', '']
    const code = await runCli(
      ['explain', module, ...args, '--brokers', 'x:1', '--registry', 'http://registry'],
      {
        workingDirectory: process.cwd(),
        print: part => void (out += part),
        complain: part => void (err += part),
        connect: () => kafka.anotherClient(),
        openRegistry: () => registry,
      },
    )
    return { code, out, err }
  }
  return {
    kafka,
    registry,
    run,
    async booking(key, value) {
      const bytes = value instanceof Buffer ? value : Buffer.from(bookings.encode(value as never))
      const { partition, offset } = kafka.put('bookings', {
        key,
        value: bytes,
        timestampMs: 1_700_000_000_000,
      })
      return ['bookings', String(partition), String(offset)]
    },
    async customer(key, value) {
      kafka.put('customers', {
        key,
        value: value && Buffer.from(customers.encode(value as never)),
        timestampMs: 1_600_000_000_000,
      })
    },
    async explain(place, ...args) {
      const module = args[0]?.endsWith('.ts') === true ? args[0] : GREETER
      const { code, out, err } = await run(
        [...place, '--json', ...args.filter(arg => arg !== module)],
        module,
      )
      assert.deepEqual([code, err], [0, ''])
      return JSON.parse(out) as Explanation
    },
    module(t, weather) {
      const folder = mkdtempSync(join(tmpdir(), 'explain-'))
      t.after(() => rmSync(folder, { recursive: true }))
      const path = join(folder, 'topology.ts')
      writeFileSync(
        path,
        `import { greeter } from ${JSON.stringify(import.meta.resolve('./fixtures/greeter.ts'))}
         export const built = greeter(${weather})`,
      )
      return path
    },
  }
}

/** The way of a record that never parts: step by step with what each did. */
function wayOf(explanation: Explanation): readonly (readonly [string, ...TraceEvent[]])[] {
  const way: [string, ...TraceEvent[]][] = []
  const walk = (step: StepTrace): void => {
    way.push([step.step, ...step.events])
    for (const next of step.next) walk(next)
  }
  for (const run of explanation.runs) for (const step of run.steps) walk(step)
  return way
}

const kindsOf = (explanation: Explanation): readonly string[] =>
  wayOf(explanation).map(([step, ...events]) => [step, ...events.map(({ kind }) => kind)].join(' '))

test('a record is followed through its joins, with the rows and where they stand, to the call that is not made', async () => {
  const { booking, customer, kafka, explain } = await stage()
  await customer('c1', { firstName: 'Old', optedIn: false })
  await customer('c1', { firstName: 'Ada', optedIn: true })
  kafka.put('cities', { key: 'par', value: 'Paris' })
  const explanation = await explain(await booking('c1', { bookingId: 'b1', cityId: 'par' }))
  assert.deepEqual(explanation.record.value, { bookingId: 'b1', cityId: 'par' })
  assert.deepEqual(kindsOf(explanation), [
    'bookings',
    'with-customer row',
    'opted-in',
    'with-city row',
    'weather not-called',
  ])
  const events = wayOf(explanation).flatMap(([, ...each]) => each)
  const [customerRow, cityRow] = events.filter(event => event.kind === 'row')
  assert.deepEqual(
    [customerRow?.topic, customerRow?.key, customerRow?.row, customerRow?.place?.timestampMs],
    ['customers', 'c1', { firstName: 'Ada', optedIn: true }, 1_600_000_000_000],
  )
  assert.equal(
    customerRow?.place?.offset,
    kafka.endOffset('customers', customerRow?.place?.partition ?? -1) - 1,
  )
  assert.deepEqual([cityRow?.topic, cityRow?.key, cityRow?.row], ['cities', 'par', 'Paris'])
  assert.deepEqual(explanation.writes, [])
  assert.deepEqual(
    explanation.tables.map(({ table, rows }) => [table, rows]),
    [
      ['cities', 1],
      ['customers', 1],
    ],
  )
})

test('why a record ends is said: no row, a filter, a failure, a tombstone', async () => {
  const { booking, customer, kafka, explain } = await stage()
  kafka.put('cities', { key: 'atl', value: 'Atlantis' })
  const missed = await explain(await booking('c9', { bookingId: 'b1', cityId: 'atl' }))
  assert.deepEqual(kindsOf(missed), ['bookings', 'with-customer row dropped'])
  assert.deepEqual(wayOf(missed)[1]?.slice(1), [
    { kind: 'row', table: 'customers', topic: 'customers', key: 'c9', row: null, place: null },
    { kind: 'dropped', reason: 'join-miss' },
  ])

  await customer('c1', { firstName: 'Ada', optedIn: false })
  const filtered = await explain(await booking('c1', { bookingId: 'b1', cityId: 'atl' }))
  assert.deepEqual(kindsOf(filtered), ['bookings', 'with-customer row', 'opted-in dropped'])

  await customer('c1', { firstName: 'Ada', optedIn: true })
  const failed = await explain(await booking('c1', { bookingId: 'b1', cityId: 'atl' }))
  assert.deepEqual(kindsOf(failed), ['bookings', 'with-customer row', 'opted-in', 'with-city row failed'])
  assert.deepEqual(
    failed.deadLetters.map(({ code, step }) => [code, step]),
    [['TOPOLOGY_PROCESSING_FAILED', 'with-city']],
  )
  assert.match(failed.deadLetters[0]?.message ?? '', /that city has sunk/)

  await customer('c1', null)
  const gone = await explain(await booking('c1', { bookingId: 'b1', cityId: 'atl' }))
  assert.deepEqual(kindsOf(gone), ['bookings', 'with-customer row dropped'])
})

test('a record that cannot be read, and one without a key, are dead letters with their reasons', async () => {
  const { booking, explain, customer } = await stage()
  await customer('c1', { firstName: 'Ada', optedIn: true })
  const broken = await explain(await booking('c1', Buffer.from('00000000011234', 'hex')))
  assert.deepEqual(broken.runs[0]?.steps, [])
  assert.deepEqual(
    broken.deadLetters.map(({ code, step }) => [code, step]),
    [['TOPOLOGY_DESERIALIZATION_FAILED', 'bookings']],
  )
  const unknown = await explain(await booking('c1', Buffer.from('000000007700', 'hex')))
  assert.deepEqual(unknown.deadLetters[0]?.code, 'TOPOLOGY_SCHEMA_UNKNOWN')
  const keyless = await explain(await booking(null, { bookingId: 'b1', cityId: 'par' }))
  assert.deepEqual(kindsOf(keyless), ['bookings', 'with-customer key-missing'])
  assert.deepEqual(keyless.deadLetters[0]?.code, 'TOPOLOGY_KEY_MISSING')
})

test('with --call the record goes on with the answer, through the repartition topic to what would be written', async t => {
  const { booking, customer, kafka, explain, module, registry } = await stage()
  await customer('c1', { firstName: 'Ada', optedIn: true })
  kafka.put('cities', { key: 'par', value: 'Paris' })
  const place = await booking('c1', { bookingId: 'b1', cityId: 'par' })
  const explanation = await explain(place, module(t, 'async city => `sunny in ${city}`'), '--call')
  assert.deepEqual(kindsOf(explanation), [
    'bookings',
    'with-customer row',
    'opted-in',
    'with-city row',
    'weather called',
    'keyed',
    'by-city writes',
    'by-city-source',
    'by-city.to-1 writes',
  ])
  assert.deepEqual(
    explanation.writes.map(({ topic, key, value }) => [topic, key, value]),
    ['greeter-by-city-repartition', 'greetings'].map(topic => [
      topic,
      'Paris',
      { text: 'Enjoy Paris, Ada!', weather: 'sunny in Paris' },
    ]),
  )
  assert.deepEqual(
    explanation.runs.map(({ subTopology, offset }) => [subTopology, offset]),
    [
      [0, Number(place[2])],
      [1, null],
    ],
  )
  // Nothing of it is left behind.
  assert.deepEqual(kafka.records('greetings'), [])
  assert.deepEqual(await kafka.admin.describeTopics(['greeter-by-city-repartition']), [undefined])
  assert.equal(await registry.latest('greetings-value'), undefined)
})

test('a call that fails for now is told from one that fails for good', async t => {
  const { booking, customer, kafka, explain, module } = await stage()
  await customer('c1', { firstName: 'Ada', optedIn: true })
  kafka.put('cities', { key: 'par', value: 'Paris' })
  const place = await booking('c1', { bookingId: 'b1', cityId: 'par' })
  const away = await explain(place, module(t, `async () => { throw new Error('no route') }`), '--call')
  assert.deepEqual(wayOf(away).at(-1), [
    'weather',
    { kind: 'call-failed', message: 'no route', isTriedAgain: true },
  ])
  assert.deepEqual([away.writes, away.deadLetters], [[], []])
  const wrong = await explain(place, module(t, `async () => { throw new RangeError('no city') }`), '--call')
  assert.deepEqual(wayOf(wrong).at(-1), [
    'weather',
    { kind: 'call-failed', message: 'no city', isTriedAgain: false },
  ])
  assert.deepEqual(
    wrong.deadLetters.map(({ code, step }) => [code, step]),
    [['TOPOLOGY_ENRICHMENT_FAILED', 'weather']],
  )
})

test('functions for their effects are not called, a parked record says what it waits for, a delivery what it would be', async t => {
  const kafka = createFakeClient({
    topics: [
      { name: 'words', partitions: 1 },
      { name: 'rows', partitions: 1, cleanupPolicy: 'compact' },
    ],
  })
  const folder = mkdtempSync(join(tmpdir(), 'explain-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'topology.ts')
  writeFileSync(
    path,
    `import { string, streamTopic, tableTopic, topology } from ${JSON.stringify(import.meta.resolve('@tributary/topology'))}
     const text = { key: string(), value: string() }
     const builder = topology('effects')
     const words = builder.stream(streamTopic('words', text))
     words.peek(() => { throw new Error('called') }, { name: 'look' }).foreach(() => { throw new Error('called') }, { name: 'act' })
     words.join(builder.table(tableTopic('rows', text)), { name: 'wait', joiner: word => word, missing: { parkForMs: 90_000 } })
       .foreach(() => {}, { name: 'end' })
     words.flatMapValues(word => word.split(' '), { name: 'split' }).deliver({
       name: 'send', destination: { name: 'crm', deliver: () => { throw new Error('called') } }, maxBatchItems: 10,
       isUrgent: word => word === 'now', sizeOf: word => word.length, laneKey: (word, key) => key + '/lane',
     })
     export const built = builder.build()`,
  )
  kafka.put('words', { key: 'k', value: 'come now' })
  let out = ''
  const code = await runCli(['explain', path, 'words', '0', '0', '--brokers', 'x:1'], {
    workingDirectory: process.cwd(),
    print: text => void (out += text),
    complain: text => assert.fail(text),
    connect: () => kafka.anotherClient(),
  })
  assert.equal(code, 0)
  assert.equal(
    out,
    `words-0@0, 1970-01-01T00:00:00.000Z
  key    "k"
  value  "come now"
  table  rows: 0 rows of rows as it is now, 1 partition

sub-topology 0, words-0
  words (source)  "k" → "come now"
    look (peek)
      would call the step's function
      act (foreach)
        would call the step's function
    wait (join)
      no row for "k" in rows
      would wait up to 1 min 30 s for the row of "k"
    split (flatMapValues)
      send (deliver)  "come"
        would deliver to crm: lane k/lane, 4 bytes
      send (deliver)  "now"
        would deliver to crm: lane k/lane, urgent, 3 bytes

would write nothing
`,
  )
})

test('--masked keeps contents out of every value', async t => {
  const { booking, customer, kafka, run, module } = await stage()
  await customer('c1', { firstName: 'Adalbert', optedIn: true })
  kafka.put('cities', { key: 'par', value: 'Lutetia' })
  const place = await booking('c1', { bookingId: 'b-secret', cityId: 'par' })
  for (const args of [['--masked'], ['--masked', '--json']]) {
    const { code, out } = await run([...place, '--call', ...args], module(t, `async () => 'drizzle'`))
    assert.equal(code, 0)
    assert.doesNotMatch(out, /Adalbert|b-secret|drizzle/)
    assert.match(out, /‹text, 8›/)
  }
})

test('what cannot be explained is refused, with the reason', async () => {
  const { booking, run } = await stage()
  const [, partition = '', offset = ''] = await booking('c1', { bookingId: 'b1', cityId: 'par' })
  for (const [args, code, complaint] of [
    [['bookings', partition], 2, /The offset is missing/],
    [['bookings', 'x', offset], 2, /The partition is "x"/],
    [
      ['greetings', '0', '0'],
      1,
      /greeter does not read greetings; it reads bookings, greeter-by-city-repartition/,
    ],
    [['bookings', partition, '99'], 1, new RegExp(`There is no record at bookings-${partition}@99`)],
    [['bookings', partition, offset, '--call'], 1, /--call needs the function .* built without an argument/],
  ] as const) {
    const outcome = await run(args)
    assert.equal(outcome.code, code, args.join(' '))
    assert.match(outcome.err, complaint)
  }
})
