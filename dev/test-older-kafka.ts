import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { constants } from 'node:os'
import { stopOnSignals } from './stack/interrupts.ts'
import { OLDEST_KAFKA } from './stack/older-kafka.ts'
import { repositoryRoot } from './stack/repository.ts'

// `npm run test:kafka-3.9`: every test that needs a broker, once more on the oldest one that is supported. Files may be
// named.

process.chdir(repositoryRoot)
const named = process.argv.slice(2)
const files =
  named.length > 0
    ? named
    : globSync(
        ['packages', 'services', 'examples', 'dev'].map(folder => `${folder}/**/*.broker.test.ts`),
        {
          exclude: ['**/node_modules', '**/dist'],
        },
      ).toSorted()
console.log(`${files.length} files on Kafka ${OLDEST_KAFKA}`)
const child = spawn(
  process.execPath,
  [
    '--conditions=@tributary/source',
    '--test',
    '--test-concurrency=2',
    '--test-global-setup=./test-support/broker-setup.ts',
    `--test-reporter=${process.env['CI'] ? './test-support/skip-is-failure.ts' : 'spec'}`,
    '--test-reporter-destination=stdout',
    ...files,
  ],
  {
    stdio: ['ignore', 'inherit', 'inherit'],
    // As in `npm test`: the test runner must get only one signal.
    detached: true,
    env: { ...process.env, TRIBUTARY_KAFKA_VERSION: OLDEST_KAFKA },
  },
)
const ended = new Promise<number>(resolve => {
  child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]))
})
stopOnSignals(async () => {
  child.kill('SIGTERM')
  await ended
})
process.exitCode = await ended
