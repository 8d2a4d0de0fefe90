import { decodeFramed, WriterSchemas } from '../../../packages/topology/src/serde/avro-reader.ts'
import type { AvroSchema } from '../../../packages/topology/src/serde/avro-schema.ts'
import { buildType } from '../../../packages/topology/src/serde/avro-type.ts'
import { AvroWriter } from '../../../packages/topology/src/serde/avro-writer.ts'
import { compileWriter } from '../../../packages/topology/src/serde/compiled/compile-writer.ts'
import { InMemorySchemaRegistry } from '../../../packages/topology/src/serde/in-memory-schema-registry.ts'
import { normalizeSchema } from '../../../packages/topology/src/serde/normalize-schema.ts'
import { expectedEvent } from '../job/event.ts'
import { JobRecords } from '../job/records.ts'
import { VARIANTS } from '../job/variant.ts'
import {
  activitySchema,
  bookingSchema,
  customerSchema,
  marketingEventSchema,
} from '../programs/tributary/schemas.ts'

/*
 * `node -C @tributary/source bench/src/micro/codec.ts [rounds]`: nanoseconds of processor time to decode and to encode one value of the job, by
 * compiled code and by avsc's types alone. Both take turns in one process, over values that lie in one buffer as in a
 * fetched batch; the figure is the median of the rounds.
 */

const VALUES = 4_096
/** A round has to be long: the clock of a thread's time may have steps of 4 ms. */
const PASSES = 100
const WARM_UP_PASSES = 20
const rounds = Number(process.argv[2] ?? 5)

interface Way {
  readonly name: string
  readonly run: () => void
}

const records = new JobRecords(1, VARIANTS[0]!, { bookings: VALUES, customers: 100_000, activities: 20_000 })
const indices = Array.from({ length: VALUES }, (_, i) => i)
const event = (index: number): unknown => {
  const booking = records.booking(index)
  const customer = { ...records.customer(index), marketingOptIn: true }
  return expectedEvent(VARIANTS[0]!, booking, customer, records.activity(index))
}

const CASES: readonly (readonly [string, AvroSchema, readonly unknown[]])[] = [
  ['booking', bookingSchema, indices.map(i => records.booking(i))],
  ['customer', customerSchema, indices.map(i => records.customer(i))],
  ['activity', activitySchema, indices.map(i => records.activity(i))],
  ['marketing event', marketingEventSchema, indices.map(event)],
]
/** What is read of a booking by who only counts seats. */
const PROJECTION: AvroSchema = {
  type: 'record',
  name: 'tributary.bench.Booking',
  fields: [
    { name: 'activityId', type: 'string' },
    { name: 'quantity', type: 'int' },
  ],
}

/** The last values, so that none is found to be unused. */
const kept: unknown[] = Array.from({ length: 64 }, () => undefined)

async function waysOf(name: string, schema: AvroSchema, values: readonly unknown[]): Promise<Way[]> {
  const place = { topic: name, part: 'value', serde: name } as const
  const normalized = normalizeSchema(schema)
  const registry = new InMemorySchemaRegistry()
  const id = await registry.register(name, JSON.stringify(normalized))
  const type = buildType(normalized, {})
  const writers = {
    compiled: new AvroWriter(place, type, id, compileWriter(type)),
    avsc: new AvroWriter(place, type, id, undefined),
  }
  const encoded = values.map(value => Buffer.from(writers.compiled.encode(value)))
  const bytes = Buffer.concat(encoded)
  const ends = encoded.map((_, i) => encoded.slice(0, i + 1).reduce((sum, { length }) => sum + length, 0))
  const projections: [string, AvroSchema][] = name === 'booking' ? [['2 of 9 fields', PROJECTION]] : []
  const ways: Way[] = []
  for (const [what, readerSchema] of [['', schema], ...projections] as [string, AvroSchema][]) {
    const readerType = buildType(normalizeSchema(readerSchema), {})
    const choose = (): { type: typeof readerType; tag: undefined } => ({ type: readerType, tag: undefined })
    const schemas = new WriterSchemas({ place, registry, values: {}, choose })
    await schemas.load(id)
    const compiled = schemas.forFrame(bytes, 0, bytes.length)
    for (const [way, reading] of Object.entries({ compiled, avsc: { ...compiled, compiled: undefined } }))
      ways.push({
        name: `decode ${name}${what && `, ${what}`} (${way})`,
        run() {
          let start = 0
          for (const [i, end] of ends.entries()) {
            kept[i & 63] = decodeFramed(place, reading, { bytes, start, end })
            start = end
          }
        },
      })
  }
  for (const [way, writer] of Object.entries(writers))
    ways.push({
      name: `encode ${name} (${way})`,
      run() {
        for (const value of values) kept[0] = writer.encode(value)
      },
    })
  return ways
}

/** Of this thread's time on a core: what others do on the machine is not in it, nor what the collector's own threads do. */
function nanosecondsOf(way: Way, passes: number): number {
  const before = process.threadCpuUsage()
  for (let pass = 0; pass < passes; pass++) way.run()
  const { user, system } = process.threadCpuUsage(before)
  return ((user + system) * 1_000) / (passes * VALUES)
}

const ways = (await Promise.all(CASES.map(each => waysOf(...each)))).flat()
const figures = new Map<Way, number[]>(ways.map(way => [way, []]))
for (const way of ways) nanosecondsOf(way, WARM_UP_PASSES)
for (let round = 0; round < rounds; round++)
  for (const [way, measured] of figures) measured.push(nanosecondsOf(way, PASSES))
for (const [{ name }, measured] of figures) {
  const sorted = measured.toSorted((a, b) => a - b)
  const [least, median] = [sorted[0] ?? 0, sorted[sorted.length >> 1] ?? 0]
  console.log(`${name.padEnd(44)}${median.toFixed(0).padStart(6)} ns (least ${least.toFixed(0)})`)
}
