import { setTimeout as sleep } from 'node:timers/promises'
import { createApp, string, streamTopic, topology } from '@tributary/topology'

/*
 * A process for a test that kills it: `node once-process.ts ID INSTANCE PROTOCOL`. Every word comes out twice, once at once
 * and once after a call that takes a while.
 */

const [id = '', instanceId = '', protocol] = process.argv.slice(2)
const text = { key: string(), value: string() }
const results = streamTopic(`${id}-results`, text)

const builder = topology(id)
const words = builder.stream(streamTopic(`${id}-words`, text))
words.mapValues(word => `${word} now`).to(results)
words
  .enrich({
    using: async word => {
      await sleep(Number(word) % 30)
      return 'later'
    },
    joiner: (word, when) => `${word} ${when}`,
  })
  .to(results)

const app = createApp(builder.build(), {
  kafka: { brokers: (process.env['KAFKA_BROKERS'] ?? '').split(',') },
  guarantee: 'exactly-once',
  instanceId,
  groupProtocol: protocol === 'classic' ? 'classic' : 'consumer',
  // Long enough that nothing but a successor ends the transaction of a process that was killed.
  transactionTimeoutMs: 120_000,
  sessionTimeoutMs: 2_000,
  commitIntervalMs: 200,
  fetchWaitMs: 100,
})
process.once('SIGTERM', () => void app.close())
await app.start()
await app.ended
process.exit(0)
