import { createApp } from '@tributary/topology'
import { brokers, registry } from './connection.ts'
import { logger } from './log.ts'
import { greeter } from './topology.ts'

const app = createApp(greeter, { kafka: { brokers }, registry, logger })
await app.start()
console.log('running; Ctrl-C stops it')

// Stopping means: finish what is under way, commit, leave the group.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void app.close())
// Rejects with whatever the topology cannot go on with.
await app.ended
