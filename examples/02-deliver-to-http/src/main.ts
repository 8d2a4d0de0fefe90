import { createApp } from '@tributary/topology'
import { indexer } from './topology.ts'

const app = createApp(indexer('http://localhost:9200/activities/bulk'), {
  kafka: { brokers: ['localhost:9092'] },
})
await app.start()
process.once('SIGTERM', () => void app.close())
await app.ended
