import { createApp } from '@tributary/topology'
import { programPlace, tellTableLoaded, tellTablesLoading } from '../program.ts'
import { bookingTopology } from './topology.ts'

// The job on Tributary: one process, every option that is not named at its default.

const place = programPlace()
const live = new Set<string>()
const app = createApp(
  bookingTopology(place),
  { kafka: { brokers: [place.broker] }, registry: place.registryUrl, guarantee: place.guarantee },
  {
    onTableProgress({ table, partition, state, rows }) {
      const part = `${table}-${partition}`
      if (state !== 'live' || live.has(part)) return
      live.add(part)
      tellTableLoaded(rows)
    },
  },
)
tellTablesLoading()
process.once('SIGTERM', () => void app.close())
await app.start()
await app.ended
