import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecordHeaders } from '../../src/record.ts'
import { letterForms } from '../../src/runtime/dead-letter.ts'
import { createFakeClient, type FakeClient, type FakeRecord } from '../../src/testing/fake-client.ts'
import { TestClock } from '../../src/testing/test-clock.ts'
import { until } from '../../../../test-support/until.ts'
import { type CliRun, type LetterInput, letterHeaders, type Outcome, tributary } from './dlq-support.ts'

const DLQ = 'orders-dead-letters'
const BROKERS = ['--brokers', 'localhost:1']

function fakeKafka(): FakeClient {
  return createFakeClient({
    topics: [
      { name: DLQ, partitions: 2 },
      { name: 'orders', partitions: 3 },
      { name: 'events', partitions: 3 },
      { name: 'elsewhere', partitions: 5 },
    ],
  })
}

function putLetter(
  kafka: FakeClient,
  input: LetterInput & {
    readonly in?: number
    readonly key?: string | null
    readonly value?: string | null
    readonly timestampMs?: number
  },
): void {
  const { in: partition, key = 'k', value = 'v', timestampMs = 1_700_000_000_000 } = input
  kafka.put(DLQ, {
    key,
    value,
    timestampMs,
    headers: letterHeaders(input),
    ...(partition === undefined ? {} : { partition }),
  })
}

function dlq(kafka: FakeClient, args: readonly string[], run: CliRun = {}): Promise<Outcome> {
  const [command = '', ...rest] = args
  return tributary(['dlq', command, DLQ, ...rest, ...BROKERS], {
    connect: () => kafka.anotherClient(),
    ...run,
  })
}

const replay = (kafka: FakeClient, args: readonly string[] = [], run: CliRun = {}): Promise<Outcome> =>
  dlq(kafka, ['replay', '--yes', ...args], run)

const values = (records: readonly FakeRecord[]): string[] => records.map(({ value }) => String(value))

function text(headers: RecordHeaders): string[] {
  return headers.map(([name, value]) => `${name}=${value === null ? 'null' : String(value)}`)
}

test('list shows a line per dead letter and the counts of all codes', async () => {
  const kafka = fakeKafka()
  const malformed = { code: 'TOPOLOGY_DESERIALIZATION_FAILED', topic: 'orders', partition: 1 } as const
  putLetter(kafka, { ...malformed, in: 0, offset: 7, step: 'orders', message: 'bad\nbytes \u001b[31m' })
  putLetter(kafka, { in: 1, topic: 'events', partition: 0, offset: 3, step: 'map', message: 'boom' })
  putLetter(kafka, { ...malformed, in: 1, offset: 8, step: 'orders' })
  const { code, out } = await dlq(kafka, ['list'])
  assert.equal(code, 0)
  assert.equal(
    out,
    [
      '0@0  2023-11-14T22:13:20.000Z  orders-1@7  TOPOLOGY_DESERIALIZATION_FAILED  orders  bad bytes \\u001b[31m',
      '1@0  2023-11-14T22:13:20.000Z  events-0@3  TOPOLOGY_PROCESSING_FAILED  map  boom',
      '1@1  2023-11-14T22:13:20.000Z  orders-1@8  TOPOLOGY_DESERIALIZATION_FAILED  orders  no',
      '',
      '         2  TOPOLOGY_DESERIALIZATION_FAILED',
      '         1  TOPOLOGY_PROCESSING_FAILED',
      '3 dead letters',
      '',
    ].join('\n'),
  )
})

test('list takes what every filter takes, shows no more than the limit and counts all', async () => {
  const kafka = fakeKafka()
  for (let offset = 0; offset < 6; offset += 1)
    putLetter(kafka, {
      in: offset % 2,
      topic: offset < 3 ? 'orders' : 'events',
      partition: 0,
      offset,
      step: offset === 5 ? 'join' : 'map',
      timestampMs: Date.UTC(2026, 0, 1 + offset),
    })
  const offsets = async (...args: readonly string[]): Promise<number[]> => {
    const { code, out } = await dlq(kafka, ['list', '--json', ...args])
    assert.equal(code, 0)
    const rows = out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { total?: number; source?: { offset: number } })
    return rows.map(row => row.source?.offset ?? -(row.total ?? 0))
  }
  assert.deepEqual(await offsets('--source-topic', 'events'), [4, 3, 5, -3])
  assert.deepEqual(await offsets('--source-topic', 'events', '--step', 'map'), [4, 3, -2])
  assert.deepEqual(await offsets('--step', 'map', '--step', 'join', '--limit', '1'), [0, -6])
  assert.deepEqual(await offsets('--since', '2026-01-05'), [4, 5, -2])
  assert.deepEqual(await offsets('--since', '2026-01-05T01:00+01:00'), [4, 5, -2])
  assert.deepEqual(await offsets('--partition', '1', '--offset', '1-2'), [3, 5, -2])
  assert.deepEqual(await offsets('--letter', '1@2', '--letter', '0@00', '--letter', '7@7'), [0, 5, -2])
  assert.deepEqual(await offsets('--letter', '1@2', '--partition', '0'), [-0])
  assert.deepEqual(await offsets('--code', 'NONE'), [-0])
})

test('a wrong call says what is wrong and how it is called, and connects to nothing', async () => {
  const connect = (): never => assert.fail('connected')
  for (const [args, complaint] of [
    [['dlq'], /A command is missing[^]*Usage: tributary dlq/],
    [['dlq', 'purge'], /no command dlq purge/],
    [['dlq', 'list'], /topic is missing/],
    [['dlq', 'list', 'a', 'b', ...BROKERS], /b is too much/],
    [['dlq', 'list', 'a'], /--brokers is missing/],
    [['dlq', 'list', 'a', '--bogus', ...BROKERS], /--bogus[^]*Usage: tributary dlq list/],
    [['dlq', 'list', 'a', '--limit', 'x', ...BROKERS], /--limit is "x"/],
    [['dlq', 'list', 'a', '--since', 'yesterday', ...BROKERS], /--since is "yesterday"/],
    [['dlq', 'list', 'a', '--offset', '3', ...BROKERS], /exactly one --partition/],
    [['dlq', 'list', 'a', '--partition', '0', '--offset', '5-3', ...BROKERS], /--offset is "5-3"/],
    [['dlq', 'list', 'a', '--letter', '5', ...BROKERS], /--letter is "5"; allowed: 0@17/],
    [['dlq', 'list', 'a', '--sasl-mechanism', 'MD5', ...BROKERS], /--sasl-mechanism is MD5/],
    [['dlq', 'list', 'a', '--sasl-mechanism', 'PLAIN', ...BROKERS], /--sasl-password-file/],
    [['dlq', 'show', 'a', '0', ...BROKERS], /<partition>@<offset>/],
    [['dlq', 'replay', 'a', '--rate', '0', ...BROKERS], /--rate is "0"/],
    [['dlq', 'replay', 'a', '--to', 'a', ...BROKERS], /the dead-letter topic itself/],
  ] as const) {
    const { code, err } = await tributary(args, { connect })
    assert.equal(code, 2, args.join(' '))
    assert.match(err, complaint)
  }
  for (const command of ['list', 'show', 'replay']) {
    const { code, out } = await tributary(['dlq', command, '--help'], { connect })
    assert.equal(code, 0)
    assert.match(out, new RegExp(`Usage: tributary dlq ${command} `))
  }
})

test('show prints everything about a letter, and the value only when asked', async () => {
  const kafka = fakeKafka()
  const headers: RecordHeaders = [
    ['trace', Buffer.from('t-1')],
    ['trace', Buffer.from('t-2')],
  ]
  putLetter(kafka, {
    in: 1,
    topic: 'orders',
    partition: 2,
    offset: 9,
    value: 'secret',
    headers,
    message: 'boom',
  })
  const masked = await dlq(kafka, ['show', '1@0'])
  assert.equal(masked.code, 0)
  assert.match(masked.out, /source +orders-2@9\n/)
  assert.match(masked.out, /message +boom\n/)
  assert.match(masked.out, /header trace +"t-1"\nheader trace +"t-2"\nkey +"k"\nvalue +6 bytes/)
  assert.match(masked.out, /TopologyError: boom\n +at /)
  assert.doesNotMatch(masked.out, /secret/)
  assert.match((await dlq(kafka, ['show', '1@0', '--unmasked'])).out, /value +"secret"/)
  const none = await dlq(kafka, ['show', '1@1'])
  assert.deepEqual([none.code, none.err], [1, `There is no record at ${DLQ}-1@1.\n`])
})

test('show prints what became of a delivery, and what was sent only when asked', async () => {
  const kafka = fakeKafka()
  const place = { topic: 'orders', partition: 2, offset: 9 }
  const records = [place, { ...place, offset: 12 }, { ...place, partition: 1, offset: 5 }]
  putLetter(kafka, {
    in: 1,
    ...place,
    delivery: { attempts: 3, status: 400, sent: '{"name":"Ada"}', records },
  })
  putLetter(kafka, {
    in: 1,
    ...place,
    delivery: { attempts: 0, status: undefined, sent: undefined, records: [] },
  })
  const masked = await dlq(kafka, ['show', '1@0'])
  assert.match(
    masked.out,
    /attempts +3\nstatus +400\nrecords +3 records in one: orders-2@9,12 orders-1@5\nsent +14 bytes \(/,
  )
  assert.doesNotMatch(masked.out, /Ada/)
  const whole = await dlq(kafka, ['show', '1@0', '--unmasked'])
  assert.match(whole.out, /sent +"\{\\"name\\":\\"Ada\\"\}"/)
  const { delivery } = JSON.parse((await dlq(kafka, ['show', '1@0', '--json'])).out) as { delivery: object }
  assert.deepEqual(delivery, {
    attempts: 3,
    status: '400',
    records: 'orders-2@9,12 orders-1@5',
    recordCount: 3,
    sentBytes: 14,
  })
  const unmasked = await dlq(kafka, ['show', '1@0', '--json', '--unmasked'])
  assert.equal((JSON.parse(unmasked.out) as { delivery: { sent: string } }).delivery.sent, '{"name":"Ada"}')
  const unsent = await dlq(kafka, ['show', '1@1'])
  assert.match(unsent.out, /attempts +0\n/)
  assert.doesNotMatch(unsent.out, /^(status|records|sent) /m)
})

test('replay brings each record back as it was, to its partition, without the headers of the failure', async () => {
  const kafka = fakeKafka()
  const headers: RecordHeaders = [
    ['a', Buffer.from('1')],
    ['a', null],
    ['b', Buffer.alloc(0)],
  ]
  putLetter(kafka, {
    topic: 'orders',
    partition: 2,
    offset: 4,
    key: null,
    value: null,
    headers,
    timestampMs: 17,
  })
  const { code, out } = await replay(kafka)
  assert.equal(code, 0)
  assert.match(out, /to play +1 record to orders/)
  const [record, ...others] = kafka.records('orders', 2)
  assert.deepEqual(others, [])
  assert.deepEqual([record?.key, record?.value, record?.timestampMs], [null, null, 17])
  assert.deepEqual(text(record?.headers ?? []), ['a=1', 'a=null', 'b='])
})

test('replay plays each source partition in the order of its offsets', async () => {
  const kafka = fakeKafka()
  const offsets = [5, 0, 9, 3, 7, 1, 8, 2, 6, 4]
  for (const [i, offset] of offsets.entries())
    for (const partition of [0, 1])
      putLetter(kafka, {
        in: (i + partition) % 2,
        topic: 'orders',
        partition,
        offset,
        value: `${partition}/${offset}`,
      })
  assert.equal((await replay(kafka)).code, 0)
  for (const partition of [0, 1])
    assert.deepEqual(
      values(kafka.records('orders', partition)),
      Array.from({ length: 10 }, (_, offset) => `${partition}/${offset}`),
    )
})

test('a second replay plays what is new, and all of it only with --again', async () => {
  const kafka = fakeKafka()
  for (let offset = 0; offset < 5; offset += 1)
    putLetter(kafka, { in: offset % 2, topic: 'orders', partition: 0, offset, value: `v${offset}` })
  await replay(kafka)
  const second = await replay(kafka)
  assert.deepEqual([second.code, kafka.records('orders').length], [0, 5])
  assert.match(second.out, /played before +5[^]*to play +0 records/)
  putLetter(kafka, { in: 0, topic: 'orders', partition: 0, offset: 5, value: 'v5' })
  await replay(kafka)
  assert.deepEqual(values(kafka.records('orders', 0)), ['v0', 'v1', 'v2', 'v3', 'v4', 'v5'])
  await replay(kafka, ['--again'])
  assert.equal(kafka.records('orders').length, 12)
  await replay(kafka)
  assert.equal(kafka.records('orders').length, 12)
})

test('what a filter leaves out stays to be played, and what it took does not', async () => {
  const kafka = fakeKafka()
  for (let offset = 0; offset < 40; offset += 1)
    putLetter(kafka, {
      in: offset % 2,
      topic: 'orders',
      partition: 0,
      offset,
      step: offset % 3 === 0 ? 'join' : 'map',
      value: `v${offset}`,
    })
  await replay(kafka, ['--step', 'join'])
  assert.equal(kafka.records('orders').length, 14)
  assert.match((await replay(kafka, ['--step', 'join'])).out, /to play +0 records/)
  await replay(kafka)
  const played = values(kafka.records('orders'))
  assert.equal(played.length, 40)
  assert.equal(new Set(played).size, 40)
  assert.equal(kafka.committed(`tributary-dlq-replay-${DLQ}`, DLQ, 0), 20)
})

test('progress is kept apart for each topic that is played to', async () => {
  const kafka = fakeKafka()
  putLetter(kafka, { topic: 'orders', partition: 0, offset: 0, key: 'k' })
  await replay(kafka)
  await replay(kafka, ['--to', 'elsewhere'])
  await replay(kafka, ['--to', 'elsewhere'])
  assert.equal(kafka.records('orders').length, 1)
  assert.equal(kafka.records('elsewhere').length, 1)
  const expected = kafka.put('elsewhere', { key: 'k', value: 'where murmur2 puts it' })
  assert.equal(kafka.records('elsewhere', expected.partition).length, 2)
})

test('a record that was dead-lettered twice is played once; one at the same place in another topic of that name is not it', async () => {
  const kafka = fakeKafka()
  putLetter(kafka, { in: 0, topic: 'orders', partition: 0, offset: 3, value: 'same' })
  putLetter(kafka, { in: 0, topic: 'orders', partition: 0, offset: 3, value: 'other' })
  putLetter(kafka, { in: 0, topic: 'orders', partition: 0, offset: 3, value: 'same' })
  const { out } = await replay(kafka)
  assert.match(out, /repeated +1/)
  assert.deepEqual(values(kafka.records('orders')).toSorted(), ['other', 'same'])
  putLetter(kafka, { in: 1, topic: 'orders', partition: 0, offset: 3, value: 'same' })
  assert.match((await replay(kafka)).out, /to play +0 records/)
})

test('nothing is played by a dry run, without an answer, with a no, or where nobody can be asked', async () => {
  const kafka = fakeKafka()
  putLetter(kafka, { topic: 'orders', partition: 0, offset: 0 })
  assert.equal((await dlq(kafka, ['replay', '--dry-run'])).code, 0)
  const unasked = await dlq(kafka, ['replay'])
  assert.equal(unasked.code, 2)
  assert.match(unasked.out, /to play +1 record/)
  for (const answer of ['', 'n', 'nope'])
    assert.equal((await dlq(kafka, ['replay'], { ask: () => Promise.resolve(answer) })).code, 1)
  assert.equal(kafka.records('orders').length, 0)
  assert.equal((await dlq(kafka, ['replay'], { ask: () => Promise.resolve('y') })).code, 0)
  assert.equal(kafka.records('orders').length, 1)
})

test('the rate is kept, and an interruption ends between two chunks: the next replay goes on there', async () => {
  const kafka = fakeKafka()
  const clock = new TestClock()
  for (let offset = 0; offset < 10; offset += 1)
    putLetter(kafka, { in: offset % 2, topic: 'orders', partition: 0, offset, value: `v${offset}` })
  const interrupted = new AbortController()
  const running = replay(kafka, ['--rate', '4'], { clock, signal: interrupted.signal })
  const count = (): number => kafka.records('orders').length
  await until('the first chunk is there', () => count() === 2)
  await clock.advance(499)
  assert.equal(count(), 2)
  await clock.advance(1)
  await until('the second chunk is there', () => count() === 4)
  interrupted.abort()
  assert.equal((await running).code, 130)
  assert.equal(count(), 4)
  assert.equal((await replay(kafka)).code, 0)
  assert.deepEqual(
    values(kafka.records('orders', 0)),
    Array.from({ length: 10 }, (_, i) => `v${i}`),
  )
})

test('a chunk that cannot be sent leaves neither records nor progress', async () => {
  const kafka = fakeKafka()
  for (const partition of [0, 1, 2]) putLetter(kafka, { topic: 'orders', partition, offset: 0 })
  kafka.failNextSend(new Error('the broker says no'))
  await assert.rejects(replay(kafka), /the broker says no/)
  assert.equal(kafka.records('orders').length, 0)
  assert.equal((await replay(kafka)).code, 0)
  assert.equal(kafka.records('orders').length, 3)
})

test('a value that was left out is read where it came from, and without that the letter stays', async () => {
  const kafka = fakeKafka()
  const forms = [
    ...letterForms({
      topic: 'orders',
      partition: 0,
      offset: 0,
      timestampMs: 5,
      headers: [['own', Buffer.from('1')]],
      key: Buffer.from('k'),
      value: Buffer.from('a large value'),
      step: 's',
      error: new Error('no'),
    }),
  ]
  kafka.put('orders', {
    key: 'k',
    value: 'a large value',
    timestampMs: 5,
    partition: 0,
    headers: [['own', Buffer.from('1')]],
  })
  for (const { key, value, headers } of forms.slice(1))
    kafka.put(DLQ, { key, value, headers, timestampMs: 5, partition: 0 })
  assert.match((await dlq(kafka, ['show', '0@0'])).out, /13 bytes were too large[^]*still at orders-0@0/)
  const { code, out } = await replay(kafka, ['--to', 'elsewhere'])
  assert.deepEqual([code, kafka.records('elsewhere').length], [0, 2], out)
  for (const record of kafka.records('elsewhere'))
    assert.deepEqual([String(record.value), text(record.headers)], ['a large value', ['own=1']])
  kafka.deleteBefore('orders', 0, 1)
  const gone = await replay(kafka)
  assert.deepEqual([gone.code, kafka.endOffset('orders', 0)], [1, 1])
  assert.match(gone.err, /its original is gone/)
})

test('show and replay speak JSON, and show keeps the value to itself until it is asked for', async () => {
  const kafka = fakeKafka()
  putLetter(kafka, { in: 0, topic: 'orders', partition: 1, offset: 4, value: 'secret' })
  const shown = async (...args: readonly string[]): Promise<Record<string, unknown>> =>
    JSON.parse((await dlq(kafka, ['show', '0@0', '--json', ...args])).out) as Record<string, unknown>
  const { place, source, code, key, valueBytes, valueBase64 } = await shown()
  assert.deepEqual(
    { place, source, code, key, valueBytes, valueBase64 },
    {
      place: `${DLQ}-0@0`,
      source: 'orders-1@4',
      code: 'TOPOLOGY_PROCESSING_FAILED',
      key: null,
      valueBytes: 6,
      valueBase64: undefined,
    },
  )
  assert.equal(Buffer.from(String((await shown('--unmasked'))['valueBase64']), 'base64').toString(), 'secret')
  const { code: exitCode, out } = await replay(kafka, ['--json'])
  const [plan, outcome] = out.trim().split('\n')
  assert.equal(exitCode, 0)
  assert.deepEqual(JSON.parse(plan ?? ''), {
    plan: {
      topic: DLQ,
      letters: 1,
      chosen: 1,
      playedBefore: 0,
      repeated: 0,
      toPlay: 1,
      to: ['orders'],
      group: `tributary-dlq-replay-${DLQ}`,
    },
  })
  assert.deepEqual(JSON.parse(outcome ?? ''), {
    played: 1,
    planned: 1,
    unplayable: [],
    isInterrupted: false,
  })
})
