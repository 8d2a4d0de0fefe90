import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JobRecords } from '../src/job/records.ts'
import { bookingWriterSchema, FramedWriter, schemaText, wideFields } from '../src/job/schemas.ts'
import { VARIANTS } from '../src/job/variant.ts'
import {
  activitySchema,
  bookingSchema,
  customerSchema,
  marketingEventSchema,
} from '../src/programs/tributary/schemas.ts'

test('Tributary is given the schemas that all contestants use', () => {
  const files = { booking: bookingSchema, customer: customerSchema, activity: activitySchema }
  for (const [name, schema] of Object.entries(files)) {
    assert.deepEqual(schema, JSON.parse(schemaText(name as keyof typeof files)))
  }
  assert.deepEqual(marketingEventSchema, JSON.parse(schemaText('marketing-event')))
})

test('bookings have the size that the job is described with', () => {
  const meanBytes = (variant: (typeof VARIANTS)[number]): number => {
    const records = new JobRecords(1, variant, { bookings: 1_000, customers: 100_000, activities: 20_000 })
    const writer = new FramedWriter(bookingWriterSchema(variant), 1)
    let bytes = 0
    for (let index = 0; index < 1_000; index += 1) {
      bytes += writer.write({ ...wideFields(index), ...records.booking(index) }).length
    }
    return bytes / 1_000
  }
  const byName = Object.fromEntries(VARIANTS.map(variant => [variant.name, meanBytes(variant)]))
  assert.equal(Math.round(byName['plain']!), 133)
  assert.ok(byName['large']! > 950 && byName['large']! < 1_100, `large: ${byName['large']}`)
  assert.ok(byName['wide']! > 300, `wide: ${byName['wide']}`)
})

test('a wide booking has 40 fields', () => {
  const wide = VARIANTS.find(({ name }) => name === 'wide')!
  assert.equal((JSON.parse(bookingWriterSchema(wide)) as { fields: unknown[] }).fields.length, 40)
})
