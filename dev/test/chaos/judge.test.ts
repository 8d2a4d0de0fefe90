import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Activity, Customer, DomainEvent } from '@tributary/marketing-events'
import { bookingsOf } from '../../chaos/activities-stand-in.ts'
import type { Fault } from '../../chaos/faults.ts'
import { timedBySending } from '../../chaos/load/lane-publisher.ts'
import { POISON_HEADER, type PoisonKind } from '../../chaos/load/poison.ts'
import type { DumpedRecord } from '../../chaos/topic-dump.ts'
import { judge, type Evidence, type Judgement, type OutputEvent } from '../../chaos/verify/judge.ts'
import { expectedOutput } from '../../chaos/verify/recompute.ts'
import { RowHistory } from '../../chaos/verify/row-history.ts'
import { Timeline } from '../../chaos/verify/timeline.ts'
import type { CommitSample } from '../../chaos/watch.ts'

/* Times are seconds after the beginning; every record is a second apart from the one before. */

const START = Date.UTC(2026, 0, 1)
const RECOVERY_MS = 15_000

const ada: Customer = {
  customerId: 'ada',
  firstName: 'Ada',
  email: 'ada@example.com',
  language: 'en',
  country: 'GB',
  marketingOptIn: true,
}
const cruise: Activity = {
  activityId: 'cruise',
  title: 'A cruise',
  city: 'Paris',
  country: 'FR',
  latitude: 48,
  longitude: 2,
  category: 'boat',
}

function wish(number: number, customerId = 'ada'): DomainEvent {
  const common = { eventId: `event-${number}`, customerId, occurredAt: START }
  return { type: 'activityWishlisted', value: { ...common, activityId: 'cruise', wishlist: null } }
}

interface At {
  readonly second: number
  readonly offset?: number
  readonly headers?: Readonly<Record<string, string>>
}

function record(key: string, value: unknown, { second, offset = 0, headers = {} }: At): DumpedRecord {
  return {
    partition: 0,
    offset,
    timestamp: START + second * 1_000,
    key: Buffer.from(key),
    value: value === null ? null : Buffer.from(JSON.stringify(value)),
    headers: Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const),
  }
}

const parse = (bytes: Buffer): never => JSON.parse(bytes.toString()) as never

/** Wishes 0, 1, 2… of Ada, in at second 100, 101, …, and the outputs as they come from `done`: number and second. */
function judged(
  done: readonly (readonly [number: number, second: number])[],
  more: Partial<Evidence> & {
    readonly inputCount?: number
    readonly faults?: readonly Fault[]
    readonly samples?: readonly CommitSample[]
    readonly customerRows?: readonly DumpedRecord[]
    readonly change?: (output: OutputEvent) => OutputEvent
  } = {},
): Judgement {
  const {
    inputCount = 3,
    faults = [],
    samples = [],
    customerRows,
    change = output => output,
    ...evidence
  } = more
  const inputs = Array.from({ length: inputCount }, (_, offset) =>
    record('ada', wish(offset), { second: 100 + offset, offset }),
  )
  const outputs = done.map(([number, second], offset) =>
    record('ada', change(expectedOutput(wish(number), ada, cruise) as OutputEvent), { second, offset }),
  )
  return judge({
    guarantee: 'at-least-once',
    inputs,
    outputs,
    deadLetters: [],
    customers: new RowHistory<Customer>(customerRows ?? [record('ada', ada, { second: 0 })], parse),
    activities: new RowHistory<Activity>([record('cruise', cruise, { second: 0 })], parse),
    undeliverableRows: [],
    inputTopic: 'customer-events',
    timeline: new Timeline({ faults, samples, recoveryMs: RECOVERY_MS }),
    decodeInput: parse,
    decodeOutput: parse,
    recoveryMs: RECOVERY_MS,
    ...evidence,
  })
}

function fault(kind: Fault['kind'], from: number, to: number): Fault {
  return { kind, what: kind, beganAt: START + from * 1_000, endedAt: START + to * 1_000 }
}

function committed(second: number, offset: number): CommitSample {
  const time = START + second * 1_000
  return { askedAt: time, answeredAt: time, offsets: [offset] }
}

const none = { lost: 0, duplicates: 0, overtaken: 0, wrong: 0, late: 0 }

test('what comes out once, in order and right is good', () => {
  const { expectedOutputs, differences } = judged([
    [0, 101],
    [1, 102],
    [2, 103],
  ])
  assert.equal(expectedOutputs, 3)
  assert.deepEqual(differences.counts, none)
  assert.deepEqual(differences.sentences, [])
})

test('what never comes out is lost', () => {
  const { expectedOutputs, differences } = judged([
    [0, 101],
    [2, 103],
  ])
  assert.equal(expectedOutputs, 3)
  assert.deepEqual(differences.counts, { ...none, lost: 1 })
  assert.match(differences.sentences[0]!, /event-1 of ada \(0@1\)/)
})

test('a later input of a key that comes out first has overtaken', () => {
  const { differences } = judged([
    [0, 101],
    [2, 103],
    [1, 104],
  ])
  assert.deepEqual(differences.counts, { ...none, overtaken: 1 })
})

test('what was dropped in its turn for want of a row may come out when it is done again, and only then', () => {
  const customerRows = [
    record('ada', ada, { second: 0 }),
    record('ada', null, { second: 100 }),
    record('ada', ada, { second: 101 }),
  ]
  const done = [
    [1, 102],
    [0, 108],
    [1, 109],
    [2, 110],
  ] as const
  const faults = [fault('kill', 103, 105)]
  const { counts } = judged(done, { customerRows, faults }).differences
  assert.deepEqual(counts, { ...none, duplicates: 1 })
  assert.equal(judged(done, { customerRows }).differences.counts.overtaken, 1, 'no crash')
  assert.equal(judged(done, { faults }).differences.counts.overtaken, 1, 'the row was there')
})

test('a wrong value, and one that never went in, are wrong', () => {
  const changed = judged([[0, 101]], {
    inputCount: 1,
    change: output => ({ ...output, type: 'activityConducted' }),
  })
  assert.deepEqual(changed.differences.counts, { ...none, wrong: 1 })
  const invented = judged([[7, 101]], { inputCount: 0 })
  assert.deepEqual(invented.differences.counts, { ...none, wrong: 1 })
})

test('a repeat is a duplicate; without a crash that accounts for it, it is wrong too', () => {
  const again = [
    [0, 101],
    [1, 102],
    [0, 103],
    [1, 104],
    [2, 105],
  ] as const
  assert.deepEqual(judged(again).differences.counts, { ...none, duplicates: 2, wrong: 2 })
  assert.deepEqual(judged(again, { faults: [fault('kill', 102, 103)] }).differences.counts, {
    ...none,
    duplicates: 2,
  })
  assert.deepEqual(judged(again, { faults: [fault('scaleIn', 102, 103)] }).differences.counts, {
    ...none,
    duplicates: 2,
    wrong: 2,
  })
})

test('a repeat of what was committed before the crash is wrong', () => {
  const { differences } = judged(
    [
      [0, 101],
      [1, 102],
      [0, 105],
      [1, 106],
      [2, 107],
    ],
    { faults: [fault('kill', 104, 105)], samples: [committed(103, 1)] },
  )
  assert.deepEqual(differences.counts, { ...none, duplicates: 2, wrong: 1 })
  assert.match(differences.sentences.join('\n'), /wrong: .* of 0@0 /)
})

test('a repeat long after somebody has committed past it is wrong', () => {
  const repeatedAt = (second: number) =>
    judged(
      [
        [0, 101],
        [1, 102],
        [2, 103],
        [0, second],
      ],
      { faults: [fault('kill', 102, 103)], samples: [committed(90, 0), committed(110, 3)] },
    ).differences.counts.wrong
  assert.deepEqual([repeatedAt(109), repeatedAt(140)], [0, 1])
})

test('a crash accounts only for repeats of what came out before it', () => {
  const done = [
    [0, 101],
    [1, 102],
    [2, 150],
    [2, 151],
  ] as const
  const wrong = (...faults: readonly Fault[]) =>
    judged(done, { faults, samples: [committed(149, 2), committed(152, 3)] }).differences.counts.wrong
  assert.equal(wrong(fault('kill', 103, 105)), 1, 'long over')
  assert.equal(wrong(fault('kill', 140, 149)), 1, 'over when it came out first')
  assert.equal(wrong(fault('kill', 150, 151)), 0)
  assert.equal(wrong(fault('freeze', 137, 149)), 0, 'what was done before it stood still may arrive late')
})

test('a member that leaves in peace while the API fails may repeat what waited behind a call', () => {
  const again = [
    [0, 101],
    [1, 102],
    [1, 105],
    [2, 106],
  ] as const
  const leaving = fault('scaleIn', 103, 104)
  const samples = [committed(102, 1)]
  assert.equal(judged(again, { faults: [leaving], samples }).differences.counts.wrong, 1)
  const faults = [leaving, fault('apiOutage', 100, 110)]
  assert.equal(judged(again, { faults, samples }).differences.counts.wrong, 0)
})

test('a crash does not account for a repeat of one input alone, except right behind the commit', () => {
  const first = [101, 102, 103, 104, 105].map((second, number) => [number, second] as const)
  const wrong = (again: readonly (readonly [number, number])[], ...samples: readonly CommitSample[]) =>
    judged([...first, ...again], { inputCount: 5, faults: [fault('kill', 105, 106)], samples }).differences
      .counts.wrong
  assert.equal(wrong([[4, 108]], committed(103, 0)), 1)
  assert.equal(wrong([[4, 108]], committed(103, 4)), 0)
  assert.equal(
    wrong(
      [
        [3, 107],
        [4, 108],
      ],
      committed(103, 3),
    ),
    0,
  )
  const underWay = [committed(103, 0), committed(107, 5)]
  assert.equal(
    wrong(
      [0, 1, 2, 3, 4].map(number => [number, 108]),
      ...underWay,
    ),
    0,
    'a commit under way',
  )
})

test('a commit that goes back is wrong', () => {
  const samples = [committed(101, 2), committed(102, 1)]
  assert.equal(
    judged(
      [
        [0, 101],
        [1, 102],
        [2, 103],
      ],
      { samples },
    ).differences.counts.wrong,
    1,
  )
})

test('an event may see any row that was there from its arrival to its output, and none from before', () => {
  const renamed: Customer = { ...ada, firstName: 'Adah' }
  const account = (number: number): DomainEvent => ({
    type: 'accountCreated',
    value: { eventId: `event-${number}`, customerId: 'ada', occurredAt: START, channel: 'WEB' },
  })
  const seeing = (row: Customer, renamedAt: number) =>
    judged([], {
      inputs: [record('ada', account(0), { second: 100 })],
      outputs: [record('ada', expectedOutput(account(0), row, undefined), { second: 103 })],
      customerRows: [record('ada', ada, { second: 0 }), record('ada', renamed, { second: renamedAt })],
    }).differences.counts.wrong
  assert.deepEqual([seeing(ada, 102), seeing(renamed, 102)], [0, 0], 'changed meanwhile')
  assert.deepEqual([seeing(ada, 60), seeing(renamed, 60)], [1, 0], 'changed long before')
  assert.deepEqual([seeing(ada, 140), seeing(renamed, 140)], [0, 1], 'changed long after')
})

test('an event of a customer who was not there all the time may come out or not; with nobody there it must not', () => {
  const rows = (deletedAt: number) => [
    record('ada', ada, { second: 0 }),
    record('ada', null, { second: deletedAt }),
  ]
  const samples = [committed(104, 3)]
  const counts = (deletedAt: number, done: readonly (readonly [number, number])[]) =>
    judged(done, { inputCount: 1, samples, customerRows: rows(deletedAt) }).differences.counts
  assert.deepEqual(counts(101, []), none)
  assert.deepEqual(counts(101, [[0, 102]]), none)
  assert.deepEqual(counts(60, []), none)
  assert.equal(counts(60, [[0, 102]]).wrong, 1)
  assert.equal(counts(140, []).lost, 1)
})

test('a booking names what else the customer has coming up', () => {
  const customerId = Array.from({ length: 50 }, (_, index) => `c-${index}`).find(
    id => bookingsOf(id).length > 1,
  )!
  const first = bookingsOf(customerId)[0]!
  const price = { amount: '10.00', currency: 'EUR' }
  const event: DomainEvent = {
    type: 'bookingCompleted',
    value: {
      eventId: 'event-0',
      customerId,
      occurredAt: first.startsAt - 1,
      bookingId: first.bookingId,
      activityId: 'cruise',
      startsAt: first.startsAt,
      participants: 2,
      price,
      promoCode: null,
    },
  }
  const { value } = expectedOutput(event, { ...ada, customerId }, cruise) as {
    value: { otherUpcomingActivities: readonly { startsAt: number }[] }
  }
  const others = bookingsOf(customerId).slice(1)
  assert.deepEqual(
    value.otherUpcomingActivities.map(({ startsAt }) => startsAt),
    others.map(({ startsAt }) => startsAt),
  )
})

const UNREADABLE = 'TOPOLOGY_DESERIALIZATION_FAILED'

function letter(
  value: unknown,
  offset: number,
  more: { code?: string; headers?: object; second?: number } = {},
) {
  const { code = UNREADABLE, headers = { [POISON_HEADER]: 'truncated' }, second = 101 } = more
  return record('ada', value, {
    second,
    headers: {
      ...headers,
      '__streams.errors.topic': 'customer-events',
      '__streams.errors.partition': '0',
      '__streams.errors.offset': String(offset),
      'tributary.errors.code': code,
    },
  })
}

test('each unreadable record has a dead letter with its bytes, headers and reason, and no good record has one', () => {
  const bad = record('ada', 'bad', { second: 100, offset: 9, headers: { [POISON_HEADER]: 'truncated' } })
  const counts = (deadLetters: readonly DumpedRecord[]) =>
    judged([], { inputs: [bad], deadLetters }).differences.counts
  assert.deepEqual(counts([letter('bad', 9)]), none)
  assert.equal(counts([]).lost, 1)
  assert.equal(counts([letter('mended', 9)]).wrong, 1)
  assert.equal(counts([letter('bad', 9, { code: 'TOPOLOGY_SCHEMA_UNKNOWN' })]).wrong, 1)
  assert.equal(counts([letter('bad', 9, { headers: {} })]).wrong, 1)
  assert.equal(counts([letter('bad', 9), letter('bad', 3)]).wrong, 1)
  assert.deepEqual(counts([letter('bad', 9), letter('bad', 9)]), { ...none, wrong: 1 })
})

test('dead letters are counted by their reason, beside those that have to be there', () => {
  const bad = (offset: number, kind: PoisonKind) =>
    record('ada', 'bad', { second: 100, offset, headers: { [POISON_HEADER]: kind } })
  const row = bad(2, 'negative timestamp')
  const { deadLetters, differences } = judged([], {
    inputs: [bad(7, 'unknown schema'), bad(8, 'negative timestamp'), bad(9, 'truncated')],
    undeliverableRows: [{ topic: 'customers', record: row, code: UNREADABLE }],
    faults: [fault('kill', 100, 103)],
    deadLetters: [
      letter('bad', 8, { headers: { [POISON_HEADER]: 'negative timestamp' } }),
      letter('bad', 9),
      letter('bad', 9, { second: 104 }),
    ],
  })
  assert.deepEqual(deadLetters, {
    records: 2,
    repeats: 1,
    expectedByCode: {
      [UNREADABLE]: 2,
      TOPOLOGY_SCHEMA_UNKNOWN: 1,
      TOPOLOGY_TIMESTAMP_INVALID: 1,
    },
    byCode: { [UNREADABLE]: 2 },
  })
  assert.deepEqual(differences.counts, { ...none, lost: 2, wrong: 1 })
})

test('an event without a key has a dead letter and no output', () => {
  const headers = { [POISON_HEADER]: 'no key' }
  const keyless = { ...record('ada', wish(0), { second: 100, offset: 9, headers }), key: null }
  const found = (code: string) => ({ ...letter(wish(0), 9, { headers, code }), key: null })
  const deadLetters = [found('TOPOLOGY_KEY_MISSING')]
  const { expectedOutputs, differences } = judged([], { inputs: [keyless], deadLetters })
  assert.equal(expectedOutputs, 0)
  assert.deepEqual(differences.counts, none)
  assert.equal(judged([], { inputs: [keyless] }).differences.counts.lost, 1)
  assert.equal(
    judged([], { inputs: [keyless], deadLetters: [found(UNREADABLE)] }).differences.counts.wrong,
    1,
  )
  assert.equal(judged([[0, 101]], { inputs: [keyless], deadLetters }).differences.counts.wrong, 1)
})

test('an unusual event that can be read comes out with its headers', () => {
  const headers = { [POISON_HEADER]: 'repeated headers' }
  const inputs = [record('ada', wish(0), { second: 100, headers })]
  const value = expectedOutput(wish(0), ada, cruise)
  const wrong = (output: DumpedRecord) => judged([], { inputs, outputs: [output] }).differences.counts.wrong
  assert.equal(wrong(record('ada', value, { second: 101, headers })), 0)
  assert.equal(wrong(record('ada', value, { second: 101 })), 1)
  assert.equal(judged([], { inputs }).differences.counts.lost, 1)
})

test('a row with an odd timestamp counts like any other, and one that cannot be read or has no key does not', () => {
  const seen = (kind: PoisonKind, key: Buffer | null = Buffer.from('ada')) => {
    const rows = [
      record('ada', ada, { second: 0 }),
      { ...record('ada', null, { second: 50, headers: { [POISON_HEADER]: kind } }), key },
    ]
    return new RowHistory<Customer>(rows, parse).seenBetween('ada', START + 60_000, START + 70_000)
  }
  assert.deepEqual(seen('negative timestamp'), [undefined])
  assert.deepEqual(seen('truncated'), [ada])
  assert.deepEqual(seen('no key', null), [ada])
})

test('of a record with a timestamp of its own, the time at which it was sent counts', () => {
  const at = record('ada', ada, { second: -5, headers: { 'chaos-sent-at': String(START) } })
  assert.equal(timedBySending(at).timestamp, START)
  assert.equal(timedBySending(record('ada', ada, { second: 7 })).timestamp, START + 7_000)
})

test('a partition that stands still for too long is late, counted from the last disturbance', () => {
  const outputs = [
    [0, 101],
    [1, 125],
    [2, 126],
  ] as const
  const alone = judged(outputs)
  assert.equal(alone.longestPauseMs, 24_000)
  assert.equal(alone.longestRecoveryMs, 24_000)
  assert.equal(alone.differences.counts.late, 1)
  const disturbed = judged(outputs, { faults: [fault('silence', 102, 115)] })
  assert.equal(disturbed.longestPauseMs, 24_000)
  assert.equal(disturbed.longestRecoveryMs, 10_000)
  assert.equal(disturbed.differences.counts.late, 0)
})
