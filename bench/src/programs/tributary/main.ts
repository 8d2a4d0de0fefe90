import { createApp } from '@tributary/topology'
import { programPlace, tellTableLoaded, tellTablesLoading } from '../program.ts'
import { placesEnricher } from './places.ts'
import { bookingTopology } from './topology.ts'

// The job on Tributary: one process, every option at its default but the guarantee, and the linger where latency is measured.

const place = programPlace()
const lingerMs = process.env['BENCH_LINGER_MS']
const places = place.steps === 'enriched' ? placesEnricher(place.apiUrl) : undefined
const live = new Set<string>()
const app = createApp(
  bookingTopology(place, places),
  {
    kafka: { brokers: [place.broker] },
    registry: place.registryUrl,
    guarantee: place.guarantee,
    ...(lingerMs === undefined ? {} : { lingerMs: Number(lingerMs) }),
  },
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
await places?.close()
