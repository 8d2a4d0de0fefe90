import type { Booking } from '../../job/records.ts'
import { FramedReader } from '../hand-written/codecs.ts'
import { loadTable } from '../hand-written/tables.ts'
import { tablePlace, tellLoad, tellLookups } from './table-program.ts'

// The table as a team has it without a library: a Map of decoded rows.

const place = tablePlace()
const reader = new FramedReader<Booking>(place.registryUrl, 'booking')
await reader.prepare(place.topic)
let rows = new Map<string, Booking>()
await tellLoad(async () => {
  rows = await loadTable(place, place.topic, bytes => reader.read(bytes))
  return rows.size
})
await tellLookups(place, key => {
  const row = rows.get(key)!
  return row.quantity + row.activityId.length
})
process.exit()
