import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createFaultyClient, forbidden, outOfRange, unavailable, type FaultyClient } from './faulty-client.ts'
import { isCode, setUp, settledTurns, until, type Setting, type SettingOptions } from './support.ts'

interface FaultySetting extends Setting {
  readonly kafka: FaultyClient
}

async function setUpFaulty(
  t: TestContext,
  fill: (kafka: FaultyClient) => void = () => undefined,
  options: SettingOptions = {},
): Promise<FaultySetting> {
  const kafka = createFaultyClient([{ name: 'customers', partitions: 1 }])
  fill(kafka)
  return { ...(await setUp(t, () => undefined, { kafka, ...options })), kafka }
}

async function live(setting: FaultySetting): Promise<FaultySetting> {
  setting.tables.assign(1, [0])
  await setting.tables.whenLive(1, 0)
  return setting
}

test('a live table whose fetch fails is stale, keeps its rows, and goes on where it was', async t => {
  const { kafka, tables, clock, partition, retries } = await live(
    await setUpFaulty(t, each => each.put('customers', { key: 'ada', value: 'row' })),
  )
  kafka.breakFetch('customers', 0, unavailable())
  assert.equal(partition().state, 'stale')
  kafka.put('customers', { key: 'bob', value: 'row' })
  await settledTurns()
  const rows = tables.reader(1, 0)
  assert.equal(rows.get('ada'), 'row')
  assert.equal(rows.get('bob'), undefined)
  await clock.advance(100)
  await until(() => partition().state === 'live', 'live again')
  assert.equal(rows.get('bob'), 'row')
  assert.deepEqual(kafka.assignedAt, [0, 1])
  assert.equal(retries.length, 1)
  assert.equal(partition().restarts, 1)
})

test('the pause between attempts grows while no response comes', async t => {
  const { kafka, clock } = await live(await setUpFaulty(t))
  for (let i = 0; i < 3; i += 1) {
    await settledTurns()
    kafka.breakFetch('customers', 0, unavailable())
    const assigned = kafka.assignedAt.length
    await clock.advance(100)
    assert.equal(kafka.assignedAt.length, assigned + 1, 'a response begins the count anew')
  }
  await settledTurns()
  kafka.silence()
  kafka.breakFetch('customers', 0, unavailable())
  for (const delayMs of [100, 200, 400, 800]) {
    const assigned = kafka.assignedAt.length
    await clock.advance(delayMs - 1)
    assert.equal(kafka.assignedAt.length, assigned, `not before ${delayMs} ms`)
    await clock.advance(1)
    assert.equal(kafka.assignedAt.length, assigned + 1, `after ${delayMs} ms`)
    kafka.breakFetch('customers', 0, unavailable())
  }
})

test('a table that was cut off is live when it has caught up, not with the first response', async t => {
  const { kafka, clock, partition, progress } = await live(await setUpFaulty(t))
  kafka.breakFetch('customers', 0, unavailable())
  for (let i = 0; i < 5; i += 1) kafka.put('customers', { key: `key ${i}`, value: 'x'.repeat(900_000) })
  await clock.advance(100)
  await until(() => partition().state === 'live', 'live again')
  assert.equal(progress.at(-1)?.position, 5)
  assert.ok(kafka.batches.length >= 4, `${kafka.batches.length} responses`)
})

test('an error that no retry mends fails the table, whose rows are refused from then on', async t => {
  const { kafka, tables, partition, failures, progress } = await live(
    await setUpFaulty(t, each => each.put('customers', { key: 'ada', value: 'row' })),
  )
  const rows = tables.reader(1, 0)
  kafka.breakFetch('customers', 0, forbidden())
  await until(() => partition().state === 'failed', 'the failure')
  assert.throws(() => rows.get('ada'), isCode('TOPOLOGY_TABLE_FAILED', /customers-0.*may not read/))
  assert.equal(failures.length, 1)
  assert.equal(failures[0]?.code, 'TOPOLOGY_TABLE_FAILED')
  assert.equal(progress.at(-1)?.state, 'failed')
  await assert.rejects(
    tables.whenLive(1, 0).then(() => rows.get('ada')),
    isCode('TOPOLOGY_TABLE_FAILED'),
  )
})

test('a load that may not read its topic rejects for whoever waits', async t => {
  const { kafka, tables } = await setUpFaulty(t, each => each.offsetFailures.push(forbidden()))
  tables.assign(1, [0])
  await assert.rejects(tables.whenLive(1, 0), isCode('TOPOLOGY_TABLE_FAILED', /may not read/))
  assert.equal(kafka.isFetched('customers', 0), false)
})

test('a load starts once the broker answers, however often it did not', async t => {
  const { tables, clock, retries } = await setUpFaulty(t, each => {
    each.offsetFailures.push(unavailable(), unavailable(), unavailable())
    each.put('customers', { key: 'ada', value: 'row' })
  })
  tables.assign(1, [0])
  await clock.advance(100 + 200 + 400)
  await tables.whenLive(1, 0)
  assert.equal(tables.reader(1, 0).get('ada'), 'row')
  assert.equal(retries.length, 3)
})

test('a load whose records are deleted under it begins again at the new earliest offset', async t => {
  const turns: (() => void)[] = []
  const { kafka, tables, clock, partition } = await setUpFaulty(
    t,
    each => {
      each.put('customers', { key: 'ada', value: 'old' })
      each.put('customers', { key: 'ada', value: null })
      each.put('customers', { key: 'bob', value: 'row' })
    },
    { defer: turn => turns.push(turn) },
  )
  tables.assign(1, [0])
  await settledTurns()
  kafka.deleteBefore('customers', 0, 2)
  kafka.breakFetch('customers', 0, outOfRange())
  assert.equal(partition().state, 'loading')
  await clock.advance(100)
  await until(() => {
    turns.shift()?.()
    return partition().state === 'live'
  }, 'the load')
  assert.deepEqual(kafka.assignedAt, [0, 2])
  assert.equal(tables.reader(1, 0).get('ada'), undefined)
  assert.equal(tables.reader(1, 0).get('bob'), 'row')
})

test('a live table that is out of range is read anew while its old rows stay readable', async t => {
  const turns: (() => void)[] = []
  let isHeld = false
  const { kafka, tables, clock, partition } = await live(
    await setUpFaulty(
      t,
      each => {
        each.put('customers', { key: 'ada', value: 'old' })
        each.put('customers', { key: 'bob', value: 'old' })
      },
      { defer: turn => (isHeld ? turns.push(turn) : setImmediate(turn)) },
    ),
  )
  const rows = tables.reader(1, 0)
  const heardOfEve: unknown[] = []
  rows.watch('eve', () => heardOfEve.push(rows.get('eve')))
  isHeld = true
  // What deletes ada is itself deleted before the table sees it.
  kafka.breakFetch('customers', 0, outOfRange())
  kafka.put('customers', { key: 'ada', value: null })
  kafka.put('customers', { key: 'bob', value: 'new' })
  kafka.put('customers', { key: 'eve', value: 'new' })
  kafka.deleteBefore('customers', 0, 3)
  await clock.advance(100)
  await settledTurns()
  assert.equal(partition().state, 'stale')
  assert.equal(rows.get('ada'), 'old')
  assert.equal(rows.get('bob'), 'old')
  await until(() => {
    turns.shift()?.()
    return partition().state === 'live'
  }, 'the second load')
  assert.equal(rows.get('ada'), undefined)
  assert.equal(rows.get('bob'), 'new')
  assert.equal(heardOfEve.at(-1), 'new')
  assert.deepEqual(kafka.assignedAt, [0, 3])
})

test('a table that hears nothing for long is stale, and live again with the next answer', async t => {
  const { kafka, clock, partition, progress } = await live(
    await setUpFaulty(t, undefined, { staleAfterMs: 4_000 }),
  )
  await settledTurns()
  await clock.advance(3_000)
  assert.equal(partition().state, 'live')
  kafka.answerIdlePolls()
  await settledTurns()
  await clock.advance(3_000)
  assert.equal(partition().state, 'live')
  await clock.advance(1_000)
  assert.equal(partition().state, 'stale')
  assert.equal(partition().stalenessMs, 4_000)
  kafka.answerIdlePolls()
  await until(() => partition().state === 'live', 'live again')
  assert.deepEqual(
    progress.map(({ state }) => state),
    ['live', 'stale', 'live'],
  )
})

test('a load does not wait for offsets that the log has lost meanwhile', async t => {
  const { kafka, tables, clock, partition } = await setUpFaulty(
    t,
    each => {
      each.put('customers', { key: 'ada', value: 'row' })
      each.latestAnswers.push(10)
    },
    { staleAfterMs: 4_000 },
  )
  tables.assign(1, [0])
  await until(() => partition().position === 1, 'the row')
  assert.equal(partition().endOffset, 10)
  kafka.offsetFailures.push(unavailable())
  for (let second = 0; second < 5; second += 1) {
    await clock.advance(1_000)
    kafka.answerIdlePolls()
  }
  await until(() => partition().state === 'live', 'the load')
  assert.equal(partition().endOffset, 1)
})

test('stopping in the middle of a pause ends it quietly', async t => {
  const { kafka, tables, clock } = await live(await setUpFaulty(t))
  kafka.breakFetch('customers', 0, unavailable())
  await tables.stop()
  await clock.advance(60_000)
  assert.equal(kafka.isFetched('customers', 0), false)
  assert.equal(clock.timers, 0)
})
