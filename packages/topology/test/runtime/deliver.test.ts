import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { topology } from '../../src/dsl/builder.ts'
import type { DeliveryItem, DeliveryOutcome } from '../../src/operators/destination.ts'
import { json, string } from '../../src/serde/primitives.ts'
import { TopologyTestDriver } from '../../src/testing/topology-test-driver.ts'
import { streamTopic } from '../../src/topic.ts'

const orders = streamTopic('orders', { key: string(), value: json<readonly string[]>() })

/** Each record is a list of items; the destination does with an item what its text says. */
async function shop(t: TestContext) {
  const calls: string[][] = []
  const builder = topology('shop')
  builder
    .stream(orders)
    .flatMapValues(items => items)
    .deliver<string>({
      destination: {
        name: 'the shop',
        deliver: (items: readonly DeliveryItem<string>[]) => {
          calls.push(items.map(({ value }) => value))
          return Promise.resolve(items.map(outcomeOf))
        },
      },
      maxBatchItems: 3,
      lingerMs: 100,
    })
  const driver = await TopologyTestDriver.create(builder.build())
  t.after(() => driver.close())
  return { driver, calls, input: driver.input(orders) }
}

function outcomeOf({ value, attempts }: DeliveryItem<string>): DeliveryOutcome {
  if (value.startsWith('bad')) return { kind: 'rejected', reason: `no ${value}` }
  if (value.startsWith('later') && attempts < 2) return { kind: 'retry', afterMs: 1_000 }
  return { kind: 'accepted' }
}

test('items wait for each other up to the linger, and a full batch goes at once', async t => {
  const { driver, calls, input } = await shop(t)
  input.put('a', ['a1'])
  input.put('b', ['b1'])
  await driver.settle()
  assert.deepEqual(calls, [])
  input.put('c', ['c1'])
  await driver.settle()
  assert.deepEqual(calls, [['a1', 'b1', 'c1']])
  input.put('d', ['d1'])
  await driver.advance(100)
  assert.deepEqual(calls[1], ['d1'])
  assert.equal(driver.inFlight, 0)
})

test('a record is finished when all its items are, and what is to be sent again holds its key alone', async t => {
  const { driver, calls, input } = await shop(t)
  input.put('a', ['a1', 'later', 'a3'])
  await driver.advance(100)
  assert.equal(driver.inFlight, 1)
  input.put('a', ['a4'])
  input.put('b', ['b1'])
  await driver.advance(100)
  assert.deepEqual(calls.at(-1), ['b1'])
  await driver.advance(10_000)
  assert.equal(driver.inFlight, 0)
  assert.equal(calls.flat().filter(value => value === 'later').length, 3)
  const ofA = calls.flat().filter(value => value !== 'b1')
  // It is sent again ahead of what came later.
  assert.deepEqual(ofA.slice(0, 5), ['a1', 'later', 'a3', 'later', 'a4'])
})

test('a record of which items are rejected becomes one dead letter, however many they are', async t => {
  const { driver, input } = await shop(t)
  input.put('a', ['bad1', 'fine', 'bad2'])
  await driver.advance(100)
  const letters = driver.takeDeadLetters()
  assert.deepEqual(
    letters.map(({ headerTexts }) => headerTexts['__streams.errors.message']),
    ['the shop rejected the record: no bad1'],
  )
  assert.equal(letters[0]?.value?.toString(), '["bad1","fine","bad2"]')
  assert.deepEqual(driver.counters.deadLettersByCode, { TOPOLOGY_DELIVERY_REJECTED: 1 })
  assert.equal(driver.inFlight, 0)
})

test('the letter of a record that was refused says how often it was tried, what was sent, and who else was in it', async t => {
  const builder = topology('shop')
  const refusal = { kind: 'rejected', reason: 'no', status: 400, sent: '{"all":"of them"}' } as const
  builder
    .stream(orders)
    .flatMapValues(items => items)
    .deliver<string>({
      destination: {
        name: 'the shop',
        deliver: items =>
          Promise.resolve(
            items.map(({ value, attempts }): DeliveryOutcome => {
              if (attempts === 0) return { kind: 'retry', afterMs: 1 }
              if (value === 'alone') return { kind: 'rejected', reason: 'no', isAttempt: false }
              // An item that is not there must not cost the letter.
              return { ...refusal, together: [0, 1, 2, 99] }
            }),
          ),
      },
      maxBatchItems: 4,
      laneKey: () => 'one',
    })
  const driver = await TopologyTestDriver.create(builder.build())
  t.after(() => driver.close())
  const input = driver.input(orders)
  input.put('a', ['x', 'y'])
  input.put('a', ['z'])
  input.put('a', ['alone'])
  await driver.advance(1_000)
  const letters = driver.takeDeadLetters().map(({ headerTexts }) => headerTexts)
  assert.deepEqual(
    letters.map(headers =>
      ['attempts', 'status', 'sent', 'records', 'records.count'].map(
        name => headers[`tributary.errors.${name}`],
      ),
    ),
    [
      ['2', '400', '{"all":"of them"}', 'orders-1@0,1', '2'],
      ['2', '400', '{"all":"of them"}', 'orders-1@0,1', '2'],
      ['1', undefined, undefined, undefined, undefined],
    ],
  )
})

test('the letter of a record that is given up says what its last attempt knew', async t => {
  const sentOf = (index: number) =>
    index === 1 ? { sent: '{"two":"of them"}', together: [0, 1] } : undefined
  const lastWords: Readonly<Record<string, (items: number) => Promise<DeliveryOutcome[]>>> = {
    outcomes: items =>
      Promise.resolve(
        Array.from({ length: items }, (_, index) => ({ kind: 'retry', status: 503, ...sentOf(index) })),
      ),
    failure: () => Promise.reject(Object.assign(new Error('away'), { status: 503, sentOf })),
    unhelpful: () => Promise.reject(Object.assign(new Error('away'), { status: {}, sentOf: 1 })),
  }
  const lettersOf = async (say: (items: number) => Promise<DeliveryOutcome[]>) => {
    const builder = topology('shop')
    builder
      .stream(orders)
      .flatMapValues(items => items)
      .deliver<string>({
        destination: { name: 'the shop', deliver: items => say(items.length) },
        maxBatchItems: 2,
        laneKey: () => 'one',
        retry: { maxAttempts: 2, baseMs: 10, maxMs: 10 },
      })
    const driver = await TopologyTestDriver.create(builder.build())
    t.after(() => driver.close())
    const input = driver.input(orders)
    input.put('a', ['x'])
    input.put('a', ['y'])
    await driver.advance(1_000)
    const names = ['attempts', 'status', 'sent', 'records']
    return driver
      .takeDeadLetters()
      .map(({ headerTexts }) => names.map(name => headerTexts[`tributary.errors.${name}`]))
  }
  const known = [
    ['2', '503', undefined, undefined],
    ['2', '503', '{"two":"of them"}', 'orders-1@0,1'],
  ]
  assert.deepEqual(await lettersOf(lastWords['outcomes']!), known)
  assert.deepEqual(await lettersOf(lastWords['failure']!), known)
  assert.deepEqual(await lettersOf(lastWords['unhelpful']!), [
    ['2', undefined, undefined, undefined],
    ['2', undefined, undefined, undefined],
  ])
})
