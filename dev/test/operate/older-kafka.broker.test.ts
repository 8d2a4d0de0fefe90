import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { OwnBroker } from '../../../packages/topology/test/broker/own-broker.ts'
import { OLDEST_KAFKA } from '../../stack/older-kafka.ts'
import { repositoryRoot } from '../../stack/repository.ts'

// The rest of the broker tests on it are `npm run test:kafka-3.9`.

test(`the client does on Kafka ${OLDEST_KAFKA} what it does on the newest one`, async t => {
  const broker = await OwnBroker.start({ kafkaVersion: OLDEST_KAFKA })
  t.after(() => broker.close())
  const file = join(repositoryRoot, 'packages/topology/test/broker/client.broker.test.ts')
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const child = spawn(process.execPath, ['-C', '@tributary/source', '--test', '--test-reporter=tap', file], {
    env: { ...env, KAFKA_BROKERS: broker.brokers.join(',') },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', text => {
      output += text
    })
  }
  const code = await new Promise(resolve => child.once('close', resolve))
  assert.equal(code, 0, output)
  const passed = Number(/^# pass (\d+)$/m.exec(output)?.[1])
  assert.ok(passed >= 25, `only ${passed} tests of the client ran`)
})
