/*
 * A service over a Kafka in memory, for tests that send it signals: `node shut-down-child.ts <scenario> <shutdownTimeoutMs>`.
 * Words are put as messages from the parent; at its end it writes what is committed.
 */
import { writeSync } from 'node:fs'
import { createApp, streamTopic, string, topology } from '@tributary/topology'
import { pino } from 'pino'
import { createFakeClient } from '../../topology/src/testing/fake-client.ts'
import { runService } from '../src/run-service.ts'

const [, , scenario, shutdownTimeoutMs] = process.argv
const text = { key: string(), value: string() }
const builder = topology('child')
let answer = (): void => undefined
builder
  .stream(streamTopic('words', text))
  .mapValues(word => {
    if (word === 'boom') throw new Error('the word was boom')
    return word
  })
  .enrich({
    using: word =>
      new Promise<void>(resolve => {
        if (word === 'late') {
          answer = resolve
          process.send?.({ asked: word })
        } else if (word === 'hangs') {
          // Heeds no signal, and what it has open would keep the process.
          setInterval(() => undefined, 1_000)
          process.send?.({ asked: word })
        } else resolve()
      }),
    joiner: word => word,
    timeoutMs: 600_000,
  })
  .to(streamTopic('shouts', text))

const kafka = createFakeClient({
  topics: [
    { name: 'words', partitions: 1 },
    ...(scenario === 'without its topic' ? [] : [{ name: 'shouts', partitions: 1 }]),
  ],
})
process.on('message', (message: { readonly put?: string; readonly answer?: true }) => {
  if (message.put !== undefined) kafka.put('words', { key: 'k', value: message.put })
  if (message.answer) answer()
})
process.on('exit', () => {
  const outputs = scenario === 'without its topic' ? [] : kafka.records('shouts').map(r => String(r.value))
  writeSync(1, `${JSON.stringify({ committed: kafka.committed('child', 'words', 0) ?? 0, outputs })}\n`)
})

const logger = pino({ name: 'child', errorKey: 'error' })
await runService({
  name: 'child',
  app: createApp(builder.build(), {
    kafka,
    logger,
    commitIntervalMs: 60_000,
    shutdownTimeoutMs: Number(shutdownTimeoutMs),
    ...(scenario === 'fails' && { onProcessingFailure: 'fail' }),
  }),
  logger,
  host: '127.0.0.1',
  port: 0,
})
