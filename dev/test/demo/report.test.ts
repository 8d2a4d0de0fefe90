import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DomainEvent } from '@tributary/marketing-events'
import { faultsOf, reportText, type Figures, type Outcome } from '../../demo/report.ts'

const figures: Figures = {
  domainEvents: 20_000,
  marketingEvents: 15_778,
  brazeEvents: 15_778,
  brazeRequests: 277,
  meanBatchFill: 72.84,
  deadLetters: 2,
  missing: 0,
  duplicates: 0,
  outOfOrder: 0,
  wrongProperties: 0,
  lagAtEnd: 0,
  seconds: 12.5,
}

const good: Outcome = {
  figures,
  overlaps: 0,
  malformed: 2,
  shares: { 'marketing-events': [3, 3], 'braze-sink': [2, 2, 2] },
  differences: [],
}

test('nothing speaks against a run whose dead letters are its malformed records', () => {
  assert.deepEqual(faultsOf(good), [])
})

const bad: readonly [outcome: Partial<Outcome>, figures: Partial<Figures>, fault: string][] = [
  [{}, { missing: 2, outOfOrder: 1 }, 'In all: 2 missing, 1 out of order.'],
  [{}, { duplicates: 3, wrongProperties: 4 }, 'In all: 3 arrived twice, 4 wrong.'],
  [{}, { deadLetters: 3 }, 'There are 3 dead letters, expected are 2.'],
  [{ malformed: 3 }, {}, 'There are 2 dead letters, expected are 3.'],
  [{}, { lagAtEnd: 5 }, '5 records were not committed in the end.'],
  [{ overlaps: 6 }, {}, '6 requests came while another one with the same user was under way.'],
]
for (const [outcome, changed, fault] of bad) {
  test(`a fault is told: ${fault}`, () => {
    assert.deepEqual(faultsOf({ ...good, ...outcome, figures: { ...figures, ...changed } }), [fault])
  })
}

const booked: DomainEvent = {
  type: 'bookingCompleted',
  value: {
    eventId: 'e-2',
    customerId: 'ada',
    occurredAt: 1,
    bookingId: 'b-2',
    activityId: 'a-1',
    startsAt: 2,
    participants: 1,
    price: { amount: '1.00', currency: 'EUR' },
    promoCode: null,
  },
}

function report(outcome: Outcome, columns: number): readonly string[] {
  const arrived = (eventId: string, others: readonly string[]) => ({
    external_id: 'ada',
    name: 'booking_completed',
    time: '2025-06-01T00:00:00.000Z',
    properties: { event_id: eventId, other_upcoming_activities: others },
    request: 9,
  })
  const events = [arrived('e-1', []), arrived('e-2', ['one'])]
  return reportText({
    outcome,
    received: { events, attributes: new Map(), users: 1 },
    expected: { events: [], attributes: new Map(), sources: new Map([['e-2', booked]]) },
    columns,
  }).split('\n')
}

test('a booking with another plan stands beside the domain event that it comes from', () => {
  const lines = report(good, 120)
  assert.match(lines[1]!, /^The domain event {2,}As it arrived at Braze$/)
  const column = lines[1]!.indexOf('As it')
  const ids = lines.find(line => line.includes('"eventId": "e-2"'))!
  assert.equal(ids.slice(column), '  "time": "2025-06-01T00:00:00.000Z",')
  assert.ok(
    lines.some(line => line.slice(column) === '    "event_id": "e-2",'),
    lines.join('\n'),
  )
  assert.ok(!lines.some(line => line.includes('"request"')))
})

test('on a terminal that is too narrow they stand below each other', () => {
  const wide = { ...booked, value: { ...booked.value, bookingId: 'b'.repeat(100) } }
  const lines = reportText({
    outcome: good,
    received: {
      events: [{ external_id: 'ada', name: 'booking_completed', time: '', properties: { event_id: 'e-2' } }],
      attributes: new Map(),
      users: 1,
    },
    expected: { events: [], attributes: new Map(), sources: new Map([['e-2', wide]]) },
    columns: 80,
  }).split('\n')
  assert.ok(lines.includes('The domain event'))
  assert.ok(lines.includes('As it arrived at Braze'))
})

test('the table tells the figures and how the work was shared', () => {
  const text = report(good, 120).join('\n')
  for (const row of [
    /│ domain events +│ 20,000 and 2 malformed records +│/,
    /│ requests to Braze +│ 277, 72\.84 of 75 objects on average +│/,
    /│ one user in two requests +│ 0 +│/,
    /│ time +│ 12\.5 s, 1,600 domain events a second +│/,
    /│ partitions of braze-sink +│ 2 \+ 2 \+ 2 +│/,
  ]) {
    assert.match(text, row)
  }
})

test('the verdict closes the report', () => {
  assert.equal(report(good, 120).at(-1), 'Braze has exactly what the inputs give.')
  const missing = { ...good, figures: { ...figures, missing: 1 }, differences: ['x e-1 has not arrived.'] }
  assert.deepEqual(report(missing, 120).slice(-2), ['✗ x e-1 has not arrived.', '✗ In all: 1 missing.'])
})

test('a run from which nothing arrived is reported too', () => {
  const text = reportText({
    outcome: good,
    received: { events: [], attributes: new Map(), users: 0 },
    expected: { events: [], attributes: new Map(), sources: new Map() },
    columns: 0,
  })
  assert.ok(text.startsWith('\n┌'))
})
