import { avro, HttpSchemaRegistry } from '@tributary/topology'
import { createSlabTableStore } from '../../../../packages/topology/src/state/slab-table-store.ts'
import { MOST_WARMED } from '../../../../packages/topology/src/state/table-store.ts'
import { customerId, JobRecords } from '../../job/records.ts'
import { FramedWriter, schemaText } from '../../job/schemas.ts'
import { PLAIN } from '../../job/variant.ts'
import { tablePlace, tell, tellLookups, tellLookupsAhead } from './table-program.ts'

// The library's table store alone, with its codec: lookups, updates and deletes, without Kafka.

const place = tablePlace()
const registry = new HttpSchemaRegistry({ url: place.registryUrl })
const schema = schemaText('booking')
const latest = await registry.latest(`${place.topic}-value`)
const writer = new FramedWriter(schema, latest!.id)
/** What the author reads of a row. */
const projection = avro({
  type: 'record',
  namespace: 'tributary.bench',
  name: 'Booking',
  fields: [
    { name: 'activityId', type: 'string' },
    { name: 'quantity', type: 'int' },
  ],
})
const codec = await projection.open({
  topic: place.topic,
  part: 'value',
  uses: { read: true, write: false },
  registry,
})
const store = createSlabTableStore()
const records = new JobRecords(Number(process.env['BENCH_SEED']), PLAIN, {
  bookings: place.rows,
  customers: 100_000,
  activities: 20_000,
})
for (let index = 0; index < place.rows; index += 1)
  store.put(Buffer.from(customerId(index)), writer.write(records.booking(index)))
tell('rows', store.rows)
tell('storeMiB', store.bytes / 2 ** 20)
await loadSchema()

const keyBytes = Buffer.alloc(64 * MOST_WARMED)
await tellLookups(place, key => {
  const end = keyBytes.write(key, 'latin1')
  return quantityAt(key, 0, end)
})
// As a task looks up what its records are joined with by their own keys: those of the next records are known.
const ahead = { starts: new Int32Array(MOST_WARMED), ends: new Int32Array(MOST_WARMED) }
await tellLookupsAhead(place, MOST_WARMED, keys => {
  let end = 0
  for (const [i, key] of keys.entries()) {
    ahead.starts[i] = end
    end += keyBytes.write(key, end, 'latin1')
    ahead.ends[i] = end
  }
  store.warm(keyBytes, ahead, keys.length)
  let sum = 0
  for (const [i, key] of keys.entries()) sum += quantityAt(key, ahead.starts[i]!, ahead.ends[i]!)
  return sum
})
changeRows()

function quantityAt(key: string, start: number, end: number): number {
  if (!store.find(keyBytes, start, end)) throw new Error(`${key} has no row`)
  const row = codec.decode(store.valueBuffer, store.valueStart, store.valueEnd)
  return row.quantity + row.activityId.length
}

/** A codec asks for a writer's schema when it first meets it. */
async function loadSchema(): Promise<void> {
  const bytes = writer.write(records.booking(0))
  try {
    codec.decode(bytes, 0, bytes.length)
  } catch (error) {
    await (error as { load?: () => Promise<void> }).load?.()
  }
}

/** Every row is replaced by one of another length, twice; then nine of ten are deleted. */
function changeRows(): void {
  const before = store.bytes
  let longestMs = 0
  const timed = (change: () => void): void => {
    const from = performance.now()
    change()
    longestMs = Math.max(longestMs, performance.now() - from)
  }
  for (const round of [1, 2]) {
    for (let index = 0; index < place.rows; index += 1) {
      const booking = records.booking(index)
      const bytes = writer.write({ ...booking, tags: [...booking.tags, `again-${'x'.repeat(round * 7)}`] })
      timed(() => store.put(Buffer.from(customerId(index)), bytes))
    }
  }
  tell('bytesAfterUpdates', store.bytes / before)
  for (let index = 0; index < place.rows; index += 1)
    if (index % 10 !== 0) timed(() => store.delete(Buffer.from(customerId(index))))
  tell('bytesAfterDeletes', store.bytes / before)
  tell('longestChangeMs', longestMs)
  tell('rowsLeft', store.rows)
}
