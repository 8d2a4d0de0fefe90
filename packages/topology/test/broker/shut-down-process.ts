import { setTimeout as sleep } from 'node:timers/promises'
import { createApp, string, streamTopic, topology } from '@tributary/topology'
import { pino } from 'pino'
import { runService } from '../../../service/src/index.ts'

/*
 * A service for a test that sends it signals: `node shut-down-process.ts ID GUARANTEE SHUTDOWN_TIMEOUT_MS`. Every word comes
 * out behind a call that takes a while. It says on standard output what it does.
 */

const [id = '', guarantee, shutdownTimeoutMs] = process.argv.slice(2)
const text = { key: string(), value: string() }
const builder = topology(id)
builder
  .stream(streamTopic(`${id}-words`, text))
  .enrich({ using: word => sleep(Number(word) % 120), joiner: word => word })
  .to(streamTopic(`${id}-results`, text))

const logger = pino({ name: id, errorKey: 'error' })
await runService({
  name: id,
  app: createApp(builder.build(), {
    kafka: { brokers: (process.env['OWN_BROKERS'] ?? '').split(',') },
    guarantee: guarantee === 'exactly-once' ? guarantee : 'at-least-once',
    // The same for its successor, which ends the transaction that it may leave open.
    instanceId: 'the-one',
    shutdownTimeoutMs: Number(shutdownTimeoutMs),
    commitIntervalMs: 200,
    fetchWaitMs: 100,
    logger,
  }),
  logger,
  host: '127.0.0.1',
  port: 0,
})
