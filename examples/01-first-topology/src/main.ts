import { createApp } from '@tributary/topology'
import { greeter } from './topology.ts'

const app = createApp(greeter, {
  kafka: { brokers: ['localhost:9092'] },
  registry: 'http://localhost:8081/apis/ccompat/v7',
})
await app.start()
process.once('SIGTERM', () => void app.close())
await app.ended
