import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Serde } from '../../../src/serde/serde.ts'
import { createFaultyClient, outOfRange, unavailable } from './faulty-client.ts'
import { compiledTable, isCode, setUp, settledTurns, until, versionedKey } from './support.ts'

test('the last record of a key is its row: older timestamps overwrite, null deletes, the empty value is a row', async t => {
  const { tables, partition } = await setUp(t, kafka => {
    kafka.put('customers', { key: 'ada', value: 'first', timestampMs: 900 })
    kafka.put('customers', { key: 'bob', value: 'gone soon' })
    kafka.put('customers', { key: 'ada', value: 'second', timestampMs: 100 })
    kafka.put('customers', { key: 'bob', value: null })
    kafka.put('customers', { key: 'eve', value: '' })
    kafka.put('customers', { key: '', value: 'nobody' })
    kafka.put('customers', { key: 'never', value: null })
    kafka.put('customers', { key: null, value: 'ignored' })
  })
  tables.assign(1, [0])
  await tables.whenLive(1, 0)
  const rows = tables.reader(1, 0)
  assert.equal(rows.get('ada'), 'second')
  assert.equal(rows.get('bob'), undefined)
  assert.equal(rows.get('eve'), '')
  assert.equal(rows.get(''), 'nobody')
  assert.equal(rows.get(null), undefined)
  assert.equal(partition().rows, 3)
  assert.equal(partition().nullKeys, 1)
})

test('an empty topic is loaded at once, whatever the broker answers to a fetch', async t => {
  const { tables, partition } = await setUp(t, () => undefined, { defer: () => undefined })
  tables.assign(1, [0])
  await tables.whenLive(1, 0)
  assert.equal(partition().state, 'live')
  assert.equal(tables.reader(1, 0).get('ada'), undefined)
})

test('a load is complete by position, though the last offsets are markers or compacted away', async t => {
  const { tables, partition } = await setUp(t, kafka => {
    kafka.skipOffsets('customers', 0, 3)
    kafka.put('customers', { key: 'ada', value: 'row' })
    kafka.skipOffsets('customers', 0, 5)
  })
  tables.assign(1, [0])
  await tables.whenLive(1, 0)
  assert.equal(partition().position, 9)
  assert.equal(partition().endOffset, 9)
  assert.equal(partition().rows, 1)
})

test('a partition of which only empty offsets are left is loaded', async t => {
  const { tables, partition } = await setUp(t, kafka => kafka.skipOffsets('customers', 0, 7))
  tables.assign(1, [0])
  await tables.whenLive(1, 0)
  assert.equal(partition().position, 7)
})

test('a trimmed log is read from where it begins, and a log trimmed to its end is loaded at once', async t => {
  const { tables, partition } = await setUp(
    t,
    kafka => {
      for (const key of ['old', 'older', 'new'])
        kafka.put('customers', { key, value: `${key} row`, partition: 0 })
      kafka.deleteBefore('customers', 0, 2)
      kafka.put('customers', { key: 'gone', value: 'gone', partition: 1 })
      kafka.deleteBefore('customers', 1, 1)
    },
    { partitions: 2 },
  )
  tables.assign(1, [0, 1])
  await tables.whenLive(1)
  assert.equal(partition(0).rows, 1)
  assert.equal(tables.reader(1, 0).get('new'), 'new row')
  assert.equal(partition(1).rows, 0)
  assert.equal(partition(1).position, 1)
})

test('rows are refused before the load is complete and after the partition is revoked', async t => {
  const { tables } = await setUp(t, kafka => kafka.put('customers', { key: 'ada', value: 'row' }))
  assert.throws(() => tables.reader(1, 0), isCode('TOPOLOGY_STATE_INVALID', /Partition 0 .* none/))
  tables.assign(1, [0])
  const rows = tables.reader(1, 0)
  assert.throws(() => rows.get('ada'), isCode('TOPOLOGY_STATE_INVALID', /customers-0.*not loaded yet/))
  await tables.whenLive(1, 0)
  assert.equal(rows.get('ada'), 'row')
  tables.revoke(1, [0])
  assert.throws(() => rows.get('ada'), isCode('TOPOLOGY_STATE_INVALID', /not read here any more/))
})

test('whoever waits for a partition hears when it is revoked or the tables are stopped', async t => {
  const { tables, kafka } = await setUp(t, each => each.put('customers', { key: 'ada', value: 'row' }), {
    defer: () => undefined,
    partitions: 2,
  })
  tables.assign(1, [0, 1])
  const first = assert.rejects(tables.whenLive(1, 0), isCode('TOPOLOGY_CLOSED'))
  const second = assert.rejects(tables.whenLive(1, 1), isCode('TOPOLOGY_CLOSED'))
  kafka.put('customers', { key: 'bob', value: 'row', partition: 1 })
  tables.revoke(1, [0])
  await first
  await tables.stop()
  await second
  assert.throws(() => tables.assign(1, [0]), isCode('TOPOLOGY_CLOSED'))
})

test('a revoked partition is not fetched any more, even if it was revoked before it was fetched', async t => {
  const kafka = createFaultyClient([{ name: 'customers', partitions: 2 }])
  const { tables, retries } = await setUp(t, () => undefined, { kafka })
  kafka.offsetFailures.push(unavailable())
  tables.assign(1, [0, 1])
  tables.revoke(1, [0])
  await tables.whenLive(1, 1)
  await settledTurns()
  assert.equal(kafka.isFetched('customers', 0), false)
  assert.equal(kafka.isFetched('customers', 1), true)
  assert.deepEqual(retries, [], 'what fails after the end is not tried again')
  tables.revoke(1, [1])
  assert.equal(kafka.isFetched('customers', 1), false)
  tables.assign(1, [0])
  tables.revoke(1, [0])
  await settledTurns()
  assert.equal(kafka.isFetched('customers', 0), false)
})

test('a partition that comes back is loaded anew, with the end that it has then', async t => {
  const { tables, kafka, partition } = await setUp(t, each =>
    each.put('customers', { key: 'ada', value: '1' }),
  )
  tables.assign(1, [0])
  await tables.whenLive(1, 0)
  tables.revoke(1, [0])
  kafka.put('customers', { key: 'ada', value: '2' })
  tables.assign(1, [0])
  await tables.whenLive(1, 0)
  assert.equal(tables.reader(1, 0).get('ada'), '2')
  assert.equal(partition().endOffset, 2)
})

test('after the load a table follows its topic, tombstones included', async t => {
  const { tables, kafka, partition } = await setUp(t, each =>
    each.put('customers', { key: 'ada', value: '1' }),
  )
  tables.assign(1, [0])
  await tables.whenLive(1, 0)
  const rows = tables.reader(1, 0)
  kafka.put('customers', { key: 'ada', value: '2' })
  kafka.put('customers', { key: 'bob', value: 'new' })
  await until(() => rows.get('bob') === 'new', 'the new row')
  assert.equal(rows.get('ada'), '2')
  kafka.put('customers', { key: 'ada', value: null })
  await until(() => rows.get('ada') === undefined, 'the deletion')
  assert.equal(partition().rows, 1)
  assert.equal(partition().lag, 0)
  assert.equal(partition().endOffset, 1, 'the captured end stays that of the start')
})

test('keys of a codec whose bytes differ between versions find one row', async t => {
  const { tables, partition } = await setUp(
    t,
    kafka => {
      kafka.put('customers', { key: 'v1/ada', value: 'old', partition: 0 })
      kafka.put('customers', { key: 'v2/ada', value: 'new', partition: 0 })
      kafka.put('customers', { key: 'v1/bob', value: 'row', partition: 0 })
      kafka.put('customers', { key: 'v2/bob', value: null, partition: 0 })
    },
    { table: { key: versionedKey() as Serde<unknown> } },
  )
  tables.assign(1, [0])
  await tables.whenLive(1, 0)
  assert.equal(tables.reader(1, 0).get('ada'), 'new')
  assert.equal(tables.reader(1, 0).get('bob'), undefined)
  assert.equal(partition().rows, 1)
})

test('while the backlog waits the partition is paused, and nothing is lost', async t => {
  const kafka = createFaultyClient([{ name: 'customers', partitions: 1 }])
  const turns: (() => void)[] = []
  const { tables, partition } = await setUp(
    t,
    () => {
      for (let i = 0; i < 12; i += 1)
        kafka.put('customers', { key: `key ${i}`, value: String(i).padEnd(900_000, '.') })
    },
    { kafka, defer: turn => turns.push(turn) },
  )
  tables.assign(1, [0])
  await settledTurns()
  assert.ok(kafka.isPaused('customers', 0))
  assert.ok(kafka.batches.length <= 3, `${kafka.batches.length} batches fetched and not applied`)
  await until(() => {
    turns.shift()?.()
    return partition().state === 'live'
  }, 'the load')
  assert.equal(partition().rows, 12)
  assert.equal(kafka.isPaused('customers', 0), false)
})

test('a paused partition stays paused when its fetch is taken up again, and not when it is read anew', async t => {
  for (const error of [unavailable(), outOfRange()]) {
    const kafka = createFaultyClient([{ name: 'customers', partitions: 1 }])
    const turns: (() => void)[] = []
    const { tables, partition, clock } = await setUp(
      t,
      () => {
        for (let i = 0; i < 4; i += 1)
          kafka.put('customers', { key: `key ${i}`, value: String(i).padEnd(900_000, '.') })
      },
      { kafka, defer: turn => turns.push(turn) },
    )
    tables.assign(1, [0])
    await settledTurns()
    assert.ok(kafka.isPaused('customers', 0))
    kafka.breakFetch('customers', 0, error)
    kafka.silence()
    await clock.advance(100)
    assert.equal(kafka.isFetched('customers', 0), true)
    assert.equal(kafka.isPaused('customers', 0), error.code !== 'TOPOLOGY_OFFSET_OUT_OF_RANGE')
    assert.equal(partition().state, 'loading')
  }
})

test('progress tells states, positions and rows in order', async t => {
  const { tables, progress, kafka } = await setUp(t, each => {
    for (let i = 0; i < 5; i += 1) each.put('customers', { key: `k${i % 3}`, value: 'row' })
  })
  tables.assign(1, [0])
  await tables.whenLive(1, 0)
  const last = progress.at(-1)
  assert.deepEqual(
    { ...last, bytes: undefined },
    {
      table: 'customers',
      topic: 'customers',
      partition: 0,
      state: 'live',
      rows: 3,
      bytes: undefined,
      position: 5,
      endOffset: 5,
    },
  )
  const positions = progress.map(({ position }) => position)
  assert.deepEqual(
    positions,
    positions.toSorted((a, b) => a - b),
  )
  kafka.put('customers', { key: 'later', value: 'row' })
  await settledTurns()
  assert.equal(progress.at(-1), last, 'a live table reports nothing but changes of its state')
})

test('a global table is live when all of its partitions are, and its rows are those of all', async t => {
  const { tables } = await setUp(
    t,
    kafka => {
      for (let i = 0; i < 30; i += 1) kafka.put('customers', { key: `key ${i}`, value: `row ${i}` })
    },
    { table: { scope: 'global' }, partitions: 6 },
  )
  tables.loadGlobal()
  await tables.whenLive(1)
  for (let i = 0; i < 30; i += 1) assert.equal(tables.reader(1, 99).get(`key ${i}`), `row ${i}`)
  const [stats] = tables.stats()
  assert.equal(stats?.rows, 30)
  assert.equal(stats?.partitions.length, 6)
  assert.equal(stats?.state, 'live')
})

test('a global table finds rows wherever a foreign partitioner has put them', async t => {
  const { tables, partition } = await setUp(
    t,
    kafka => {
      for (let i = 0; i < 30; i += 1)
        kafka.put('customers', { key: `key ${i}`, value: `row ${i}`, partition: i % 6 })
    },
    { table: { scope: 'global' }, partitions: 6 },
  )
  tables.loadGlobal()
  await tables.whenLive(1)
  for (let i = 0; i < 30; i += 1) assert.equal(tables.reader(1, 0).get(`key ${i}`), `row ${i}`)
  assert.equal(tables.reader(1, 0).get('missing'), undefined)
  assert.ok([0, 1, 2, 3, 4, 5].reduce((sum, each) => sum + partition(each).misplaced, 0) > 10)
})

test('after partitions were added to a global table the row at its present place wins', async t => {
  const { tables } = await setUp(
    t,
    kafka => {
      const { partition } = kafka.put('customers', { key: 'ada', value: 'new' })
      for (let other = 0; other < 3; other += 1)
        if (other !== partition) kafka.put('customers', { key: 'ada', value: 'old', partition: other })
    },
    { table: { scope: 'global' }, partitions: 3 },
  )
  tables.loadGlobal()
  await tables.whenLive(1)
  assert.equal(tables.reader(1, 0).get('ada'), 'new')
})

test('a global table whose key bytes differ between versions looks into all partitions', async t => {
  const keys = Array.from({ length: 20 }, (_, i) => `key ${i}`)
  const { tables } = await setUp(
    t,
    kafka => {
      for (const key of keys) kafka.put('customers', { key: `v1/${key}`, value: `row of ${key}` })
    },
    { table: { scope: 'global', key: versionedKey() as Serde<unknown> }, partitions: 6 },
  )
  tables.loadGlobal()
  await tables.whenLive(1)
  for (const key of keys) assert.equal(tables.reader(1, 0).get(key), `row of ${key}`)
})

test('two tables of one topic both get all rows', async t => {
  const other = compiledTable({ node: 2, name: 'people', scope: 'global' })
  const { tables, kafka } = await setUp(t, each => each.put('customers', { key: 'ada', value: 'row' }), {
    moreTables: [other],
  })
  tables.loadGlobal()
  tables.assign(1, [0])
  await Promise.all([tables.whenLive(1, 0), tables.whenLive(2)])
  kafka.put('customers', { key: 'bob', value: 'later' })
  for (const node of [1, 2]) {
    const rows = tables.reader(node, 0)
    await until(() => rows.get('bob') === 'later', `the later row of table ${node}`)
    assert.equal(rows.get('ada'), 'row')
  }
})

test('a topic that does not exist is named', async t => {
  await assert.rejects(
    setUp(t, () => undefined, { kafka: createFaultyClient([]) }),
    isCode('TOPOLOGY_TOPIC_MISSING', /"customers"/),
  )
})

test('a table that outgrows its memory fails and says how much it needs', async t => {
  const { tables, failures, partition } = await setUp(
    t,
    kafka => {
      for (let i = 0; i < 300; i += 1) kafka.put('customers', { key: `k${i}`, value: 'x'.repeat(10_000) })
    },
    { maxTableBytes: 200_000 },
  )
  tables.assign(1, [0])
  await assert.rejects(tables.whenLive(1, 0), isCode('TOPOLOGY_TABLE_FAILED', /200000 are allowed/))
  assert.equal(failures.length, 1)
  await settledTurns()
  assert.equal(partition().rows, 0, 'what was fetched already is not applied any more')
})

test('stopping closes the fetchers and leaves no timer', async t => {
  const kafka = createFaultyClient([{ name: 'customers', partitions: 1 }])
  const { tables, clock } = await setUp(t, () => undefined, { kafka })
  tables.assign(1, [0])
  await tables.whenLive(1, 0)
  await tables.stop()
  await tables.stop()
  assert.equal(kafka.closedFetchers, 1)
  assert.equal(clock.timers, 0)
})
