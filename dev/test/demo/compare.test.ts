import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compare, type Received, type ReceivedEvent } from '../../demo/verify/compare.ts'
import type { BrazeEvent, Expectation } from '../../demo/verify/expected.ts'
import { oracle } from '../../../test-support/oracle.ts'

const users = ['ada', 'bob', 'eve']

/** Six events, of each user two: ada 0, bob 1, eve 2, ada 3, bob 4, eve 5. */
const events: readonly BrazeEvent[] = Array.from({ length: 6 }, (_, index) => ({
  external_id: users[index % 3]!,
  name: 'activity_wishlisted',
  time: `2025-06-0${index + 1}T00:00:00.000Z`,
  properties: { event_id: `e-${index}`, activity: { tags: ['a', 'b'], price: 45.5 } },
}))

const expected: Expectation = {
  events,
  attributes: new Map(users.map(user => [user, { email: `${user}@example.com` }])),
  sources: new Map(),
}

function received(arrived: readonly ReceivedEvent[], changes: Partial<Received> = {}): Received {
  return { events: arrived, attributes: expected.attributes, users: users.length, ...changes }
}

function arrivedInOrder(...order: readonly number[]): readonly BrazeEvent[] {
  return order.map(index => events[index]!)
}

const nothing = { missing: 0, duplicates: 0, outOfOrder: 0, wrongProperties: 0, differences: [] }

test('events as they are expected differ in nothing, and users may overtake each other', () => {
  assert.deepEqual(compare(expected, received(events)), nothing)
  assert.deepEqual(compare(expected, received(arrivedInOrder(2, 5, 1, 0, 4, 3))), nothing)
})

test('what the simulator adds to an event makes no difference', () => {
  const added = events.map((event, index) => ({ ...event, request: 1, index, received_at: 5 }))
  assert.deepEqual(compare(expected, received(added)), nothing)
})

test('an event that has not arrived is missing', () => {
  assert.deepEqual(compare(expected, received(events.slice(1))), {
    ...nothing,
    missing: 1,
    differences: ['activity_wishlisted e-0 of ada has not arrived.'],
  })
})

test('an event that arrives again is a duplicate, and not out of order', () => {
  assert.deepEqual(compare(expected, received([...events, events[0]!])), {
    ...nothing,
    duplicates: 1,
    differences: ['activity_wishlisted e-0 of ada arrived again.'],
  })
})

test('an event behind a later one of its user is out of order', () => {
  assert.deepEqual(compare(expected, received(arrivedInOrder(3, 1, 2, 0, 4, 5))), {
    ...nothing,
    outOfOrder: 1,
    differences: [
      'activity_wishlisted e-0 of ada arrived behind activity_wishlisted e-3 of ada, which comes after it.',
    ],
  })
})

const wrong: readonly [what: string, event: ReceivedEvent, sentence: string][] = [
  ['another name', { ...events[0]!, name: 'x' }, 'name is "x", expected is "activity_wishlisted"'],
  ['another user', { ...events[0]!, external_id: 'eve' }, 'external_id is "eve", expected is "ada"'],
  [
    'another time',
    { ...events[0]!, time: '2026-01-01T00:00:00Z' },
    'time is "2026-01-01T00:00:00Z", expected is "2025-06-01T00:00:00.000Z"',
  ],
  [
    'a number as text',
    { ...events[0]!, properties: { event_id: 'e-0', activity: { tags: ['a', 'b'], price: '45.5' } } },
    'properties.activity.price is "45.5", expected is 45.5',
  ],
  [
    'an element too many',
    { ...events[0]!, properties: { event_id: 'e-0', activity: { tags: ['a', 'b', 'c'], price: 45.5 } } },
    'properties.activity.tags.2 is "c", expected is not there',
  ],
  [
    'a property that is not there',
    { ...events[0]!, properties: { event_id: 'e-0' } },
    'properties.activity is not there, expected is {"tags":["a","b"],"price":45.5}',
  ],
  [
    'a property too many',
    { ...events[0]!, properties: { ...events[0]!.properties, extra: null } },
    'properties.extra is null, expected is not there',
  ],
]
for (const [what, event, sentence] of wrong) {
  test(`${what} is a wrong property, named with its path`, () => {
    assert.deepEqual(compare(expected, received([event, ...events.slice(1)])), {
      ...nothing,
      wrongProperties: 1,
      differences: [`activity_wishlisted e-0 of ada: ${sentence}.`],
    })
  })
}

test('an event that nothing in the inputs accounts for is wrong, and so is one without its id', () => {
  const { properties: _, ...bare } = events[0]!
  const foreign = { ...events[0]!, properties: { event_id: 'e-99' } }
  assert.deepEqual(compare(expected, received([...events.slice(1), bare, foreign])), {
    ...nothing,
    missing: 1,
    wrongProperties: 2,
    differences: [
      'activity_wishlisted without event_id of ada was not to be expected at all.',
      'activity_wishlisted e-99 of ada was not to be expected at all.',
      'activity_wishlisted e-0 of ada has not arrived.',
    ],
  })
})

test('a profile that differs is wrong, and so are users too many', () => {
  const attributes = new Map([...expected.attributes, ['ada', { email: 'other@example.com' }]])
  attributes.delete('bob')
  assert.deepEqual(compare(expected, received(events, { attributes, users: 4 })), {
    ...nothing,
    wrongProperties: 3,
    differences: [
      'The profile of ada: attributes.email is "other@example.com", expected is "ada@example.com".',
      'The profile of bob: attributes is not there, expected is {"email":"bob@example.com"}.',
      'Braze knows 1 users too many.',
    ],
  })
})

test('the first three of a kind are named, and all are counted', () => {
  const { missing, differences } = compare(expected, received([]))
  assert.equal(missing, 6)
  assert.equal(differences.length, 3)
})

test('whatever arrives in whatever order, the counts are those of a naive count', () => {
  oracle(
    fc.property(fc.array(fc.nat(events.length - 1), { maxLength: 20 }), order => {
      const { missing, duplicates, outOfOrder, wrongProperties } = compare(
        expected,
        received(arrivedInOrder(...order)),
      )
      const firsts = order.filter((index, place) => order.indexOf(index) === place)
      const overtaken = firsts.filter((index, place) =>
        firsts.slice(0, place).some(before => before % 3 === index % 3 && before > index),
      )
      assert.deepEqual(
        { missing, duplicates, outOfOrder, wrongProperties },
        {
          missing: events.length - firsts.length,
          duplicates: order.length - firsts.length,
          outOfOrder: overtaken.length,
          wrongProperties: 0,
        },
      )
    }),
  )
})
