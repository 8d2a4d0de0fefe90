import { payoutApp } from './app.ts'
import { payouts } from './topology.ts'

// What the example's test starts, kills and starts again.
const [brokers = 'localhost:9092', from = 'payments', to = 'payouts', id = 'payouts'] = process.argv.slice(2)

const app = payoutApp(payouts({ from, to }, id), { brokers: brokers.split(',') }, 'payouts-0')
await app.start()
process.once('SIGTERM', () => void app.close())
await app.ended
