import { avro, createApp, streamTopic, string, tableTopic, topology } from '@tributary/topology'
import { bookingSchema } from '../tributary/schemas.ts'
import { tablePlace, tellLoad } from './table-program.ts'

// A global table as a stream author has it. `start` resolves when it is loaded.

const place = tablePlace()
const builder = topology(place.group)
const rows = builder.globalTable(tableTopic(place.topic, { key: string(), value: avro(bookingSchema) }))
builder
  .stream(streamTopic(`${place.topic}-asked`, { key: string(), value: string() }))
  .join(rows, { key: (_, key) => key, joiner: (_, row) => row.quantity })
  .foreach(() => {})
const app = createApp(builder.build(), { kafka: { brokers: [place.broker] }, registry: place.registryUrl })
await tellLoad(async () => {
  await app.start()
  return app.stats().tables.reduce((sum, table) => sum + table.rows, 0)
})
await app.close()
