import assert from 'node:assert/strict'
import { test } from 'node:test'
import { partitionForKey } from '@tributary/topology'
import type { BenchError } from '../src/bench-error.ts'
import { expectedEvent, type MarketingEvent } from '../src/job/event.ts'
import { expectedOutput } from '../src/job/expected.ts'
import { activityId, customerIndex, JobRecords } from '../src/job/records.ts'
import { FramedWriter, schemaText } from '../src/job/schemas.ts'
import { PLAIN } from '../src/job/variant.ts'
import { Verifier, type OutputRecord } from '../src/measure/verify.ts'

const SIZE = { bookings: 400, customers: 20, activities: 5 }
const SCHEMA_ID = 7
const PARTITIONS = 4
const records = new JobRecords(1, PLAIN, SIZE)
const expected = expectedOutput(records)
const writer = new FramedWriter(schemaText('marketing-event'), SCHEMA_ID)

function verifier(): Verifier {
  const schema = schemaText('marketing-event')
  return new Verifier({
    expected,
    size: SIZE,
    partitions: PARTITIONS,
    schema,
    writerSchemas: new Map([[SCHEMA_ID, schema]]),
  })
}

/** What a contestant without fault writes. */
function rightOutput(): MarketingEvent[] {
  return Array.from({ length: SIZE.bookings }, (_, index) => {
    const booking = records.booking(index)
    const activity = Array.from({ length: SIZE.activities }, (_, at) => records.activity(at)).find(
      ({ activityId: id }) => id === booking.activityId,
    )!
    const customer = records.customer(customerIndex(booking.customerId))
    return expectedEvent(records.variant, booking, customer, activity)
  }).filter(event => event !== undefined)
}

function encoded(event: MarketingEvent): OutputRecord {
  const key = Buffer.from(event.externalId)
  return {
    key,
    partition: partitionForKey(key, 0, key.length, PARTITIONS),
    value: Buffer.from(writer.write(event)),
  }
}

function verify(output: readonly OutputRecord[]): string {
  const each = verifier()
  for (const record of output) each.add(record)
  return each.finish()
}

function refusal(output: readonly OutputRecord[]): string {
  try {
    verify(output)
  } catch (error) {
    assert.equal((error as BenchError).code, 'BENCH_WRONG_OUTPUT')
    return (error as Error).message
  }
  assert.fail('the output was taken')
}

test('a right output is taken, whatever the order of its keys', () => {
  const output = rightOutput()
  assert.ok(output.length > SIZE.bookings / 2)
  assert.equal(verify(output.map(encoded)), expected.sha256)
  const byKey = output.toSorted((a, b) => a.externalId.localeCompare(b.externalId))
  assert.equal(verify(byKey.map(encoded)), expected.sha256)
})

test('one wrong field of one record is found', () => {
  const output = rightOutput()
  const one = output[17]!
  output[17] = { ...one, properties: { ...one.properties, locale: 'xx-XX' } }
  assert.match(refusal(output.map(encoded)), /another record of booking .*xx-XX/)
})

test('a record too many, too few, or on another partition is found', () => {
  const output = rightOutput().map(encoded)
  assert.match(refusal([...output, output[3]!]), /twice/)
  assert.match(
    refusal(output.slice(1)),
    new RegExp(`${expected.count - 1} records instead of ${expected.count}`),
  )
  const moved = { ...output[0]!, partition: (output[0]!.partition + 1) % PARTITIONS }
  assert.match(refusal([moved, ...output.slice(1)]), /Java puts it on/)
})

test('two records of a key in the wrong order are found', () => {
  const output = rightOutput()
  const first = output.findIndex(
    ({ externalId }, at) => output.findLastIndex(e => e.externalId === externalId) > at,
  )
  const last = output.findLastIndex(({ externalId }) => externalId === output[first]!.externalId)
  const swapped = output.with(first, output[last]!).with(last, output[first]!)
  assert.match(refusal(swapped.map(encoded)), /behind its booking/)
})

test('a value that is framed with an unknown schema is found', () => {
  const [first, ...others] = rightOutput().map(encoded)
  first!.value.writeInt32BE(99, 1)
  assert.match(refusal([first!, ...others]), /schema 99/)
})

test('the same seed makes the same records, and another seed others', () => {
  const again = new JobRecords(1, PLAIN, SIZE)
  assert.deepEqual(again.booking(123), records.booking(123))
  assert.notDeepEqual(new JobRecords(2, PLAIN, SIZE).booking(123), records.booking(123))
  assert.equal(records.activity(3).activityId, activityId(3))
})
