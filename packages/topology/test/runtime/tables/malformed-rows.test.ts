import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TopologyError } from '../../../src/errors.ts'
import type { DeadLetter } from '../../../src/runtime/dead-letter.ts'
import type { Serde } from '../../../src/serde/serde.ts'
import type { FakeClient } from '../../../src/testing/fake-client.ts'
import { createFaultyClient, outOfRange, unavailable } from './faulty-client.ts'
import { isCode, poisonable, setUp, settledTurns, until, versionedKey, withSchemas } from './support.ts'

const poison = { value: poisonable() as Serde<unknown> }

function fillWithPoison(kafka: FakeClient): void {
  kafka.put('customers', { key: 'ada', value: 'first' })
  kafka.put('customers', {
    key: 'ada',
    value: 'poison 1',
    timestampMs: 7,
    headers: [['trace', Buffer.from('t1')]],
  })
  kafka.put('customers', { key: 'bob', value: 'row' })
}

test('a malformed row goes to the dead letters as it came, and the row before it stays', async t => {
  const { tables, letters, partition } = await setUp(t, fillWithPoison, { table: poison })
  tables.assign(1, [0])
  await tables.whenLive(1, 0)
  assert.equal(tables.reader(1, 0).get('ada'), 'first')
  assert.equal(tables.reader(1, 0).get('bob'), 'row')
  assert.equal(partition().malformed, 1)
  assert.equal(letters.length, 1)
  const { error, key, value, ...rest } = letters[0]!
  assert.equal(key?.toString(), 'ada')
  assert.equal(value?.toString(), 'poison 1')
  assert.ok(isCode('TOPOLOGY_DESERIALIZATION_FAILED')(error))
  assert.deepEqual(rest, {
    topic: 'customers',
    partition: 0,
    offset: 1,
    timestampMs: 7,
    headers: [['trace', Buffer.from('t1')]],
    step: 'customers',
  })
})

test('skipped malformed rows are counted', async t => {
  const { tables, letters, partition } = await setUp(t, fillWithPoison, {
    table: poison,
    onMalformedRow: 'skip',
  })
  tables.assign(1, [0])
  await tables.whenLive(1, 0)
  assert.equal(tables.reader(1, 0).get('ada'), 'first')
  assert.equal(partition().malformed, 1)
  assert.deepEqual(letters, [])
})

test('where malformed rows are failures the table fails and says which record it was', async t => {
  const { tables, failures } = await setUp(t, fillWithPoison, { table: poison, onMalformedRow: 'fail' })
  tables.assign(1, [0])
  await assert.rejects(
    tables.whenLive(1, 0),
    isCode('TOPOLOGY_TABLE_FAILED', /customers-0 at offset 1: poison 1 is poison/),
  )
  assert.equal(failures.length, 1)
})

test('a key that cannot be read makes its record malformed', async t => {
  const { tables, letters } = await setUp(
    t,
    kafka => {
      kafka.put('customers', { key: 'unversioned', value: 'row' })
      kafka.put('customers', { key: 'also', value: null })
      kafka.put('customers', { key: 'v1/ada', value: 'row' })
    },
    { table: { key: { ...versionedKey(), open: openStrict } as Serde<unknown> } },
  )
  tables.assign(1, [0])
  await tables.whenLive(1, 0)
  assert.deepEqual(
    letters.map(({ key }) => key?.toString()),
    ['unversioned', 'also'],
  )
  assert.equal(tables.reader(1, 0).get('ada'), 'row')
})

const openStrict: Serde<string>['open'] = async context => {
  const codec = await versionedKey().open(context)
  return {
    ...codec,
    decode(bytes, start, end) {
      const key = codec.decode(bytes, start, end)
      if (key === undefined) throw new TopologyError('TOPOLOGY_DESERIALIZATION_FAILED', 'no version')
      return key
    },
  }
}

test('a table waits until a malformed row is acknowledged, and tries again when it is not', async t => {
  const attempts: DeadLetter[] = []
  let acknowledge = (): void => assert.fail('nothing was sent')
  const { tables, clock, partition } = await setUp(t, fillWithPoison, {
    table: poison,
    deadLetter(letter) {
      attempts.push(letter)
      if (attempts.length === 1) return Promise.reject(unavailable())
      return new Promise(resolve => {
        acknowledge = resolve
      })
    },
  })
  tables.assign(1, [0])
  await settledTurns()
  assert.equal(attempts.length, 1)
  await clock.advance(100)
  assert.equal(attempts.length, 2)
  assert.equal(partition().state, 'loading')
  assert.equal(partition().rows, 1)
  acknowledge()
  await tables.whenLive(1, 0)
  assert.equal(partition().rows, 2)
})

test('an acknowledgement that comes after the table began anew does not let the new wait go', async t => {
  const kafka = createFaultyClient([{ name: 'customers', partitions: 1 }])
  fillWithPoison(kafka)
  const acknowledge: (() => void)[] = []
  const { tables, clock, partition } = await setUp(t, () => undefined, {
    kafka,
    table: poison,
    deadLetter: () =>
      new Promise(resolve => {
        acknowledge.push(resolve)
      }),
  })
  tables.assign(1, [0])
  await settledTurns()
  kafka.breakFetch('customers', 0, outOfRange())
  await clock.advance(100)
  await settledTurns()
  assert.equal(acknowledge.length, 2)
  acknowledge[0]?.()
  kafka.put('customers', { key: 'eve', value: 'row' })
  await settledTurns()
  assert.equal(acknowledge.length, 2)
  assert.equal(partition().state, 'loading')
  acknowledge[1]?.()
  await tables.whenLive(1, 0)
})

test('a dead-letter topic that refuses fails the table', async t => {
  const { tables } = await setUp(t, fillWithPoison, {
    table: poison,
    deadLetter: () => Promise.reject(new TopologyError('TOPOLOGY_RECORD_TOO_LARGE', 'too large')),
  })
  tables.assign(1, [0])
  await assert.rejects(tables.whenLive(1, 0), isCode('TOPOLOGY_TABLE_FAILED', /offset 1: too large/))
})

test('rows wait for their schemas in order, and a registry that is away is asked until it answers', async t => {
  const asked: string[] = []
  const failures = new Map([['s2', 2]])
  const { tables, clock, kafka, retries } = await setUp(
    t,
    each => {
      each.put('customers', { key: 'ada', value: 's1:first' })
      each.put('customers', { key: 'ada', value: 's2:second' })
      each.put('customers', { key: 'ada', value: 's1:third' })
      each.put('customers', { key: 'bob', value: 's3:row' })
    },
    {
      table: {
        value: withSchemas(schema => {
          asked.push(schema)
          const left = failures.get(schema) ?? 0
          failures.set(schema, left - 1)
          return left > 0
            ? Promise.reject(
                new TopologyError('TOPOLOGY_REGISTRY_UNAVAILABLE', 'away', { retry: { kind: 'backoff' } }),
              )
            : Promise.resolve()
        }) as Serde<unknown>,
      },
    },
  )
  tables.assign(1, [0])
  await settledTurns()
  assert.deepEqual(asked, ['s1', 's2'])
  await clock.advance(100)
  assert.deepEqual(asked, ['s1', 's2', 's2'])
  await clock.advance(200)
  await tables.whenLive(1, 0)
  assert.deepEqual(asked, ['s1', 's2', 's2', 's2', 's3'])
  assert.equal(retries.length, 2)
  const rows = tables.reader(1, 0)
  assert.equal(rows.get('ada'), 's1:third')
  kafka.put('customers', { key: 'ada', value: 's4:fourth' })
  await until(() => rows.get('ada') === 's4:fourth', 'a row of a new schema while the table is live')
})

test('a row whose schema the registry does not know is malformed', async t => {
  const { tables, letters } = await setUp(
    t,
    kafka => {
      kafka.put('customers', { key: 'ada', value: 's1:row' })
      kafka.put('customers', { key: 'ada', value: 'unknown:row' })
      kafka.put('customers', { key: 'bob', value: 's1:row' })
    },
    {
      table: {
        value: withSchemas(schema =>
          schema === 'unknown'
            ? Promise.reject(new TopologyError('TOPOLOGY_SCHEMA_UNKNOWN', 'never heard of it'))
            : Promise.resolve(),
        ) as Serde<unknown>,
      },
    },
  )
  tables.assign(1, [0])
  await tables.whenLive(1, 0)
  assert.equal(letters.length, 1)
  assert.ok(isCode('TOPOLOGY_SCHEMA_UNKNOWN')(letters[0]?.error))
  assert.equal(tables.reader(1, 0).get('ada'), 's1:row')
  assert.equal(tables.reader(1, 0).get('bob'), 's1:row')
})

test('a live table that waits for a schema becomes stale, answers without news do not pile up behind it', async t => {
  let open = (): void => undefined
  const { tables, clock, kafka, partition } = await setUp(t, () => undefined, {
    staleAfterMs: 4_000,
    table: {
      value: withSchemas(
        () =>
          new Promise(resolve => {
            open = resolve
          }),
      ) as Serde<unknown>,
    },
  })
  tables.assign(1, [0])
  await tables.whenLive(1, 0)
  kafka.put('customers', { key: 'ada', value: 's1:row' })
  for (let second = 0; second < 5; second += 1) {
    await clock.advance(1_000)
    kafka.answerIdlePolls()
    await settledTurns()
  }
  assert.equal(partition().state, 'stale')
  assert.equal(tables.reader(1, 0).get('ada'), undefined)
  open()
  await until(() => partition().state === 'live', 'live again')
  assert.equal(tables.reader(1, 0).get('ada'), 's1:row')
})
