import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readConfig } from '../src/config.ts'

const MINIMUM = {
  KAFKA_BROKERS: 'kafka:9092',
  SCHEMA_REGISTRY_URL: 'http://registry',
  CONSOLE_TOKEN: 'sixteen-letters-or-more',
  CONSOLE_INSTANCES: 'sink-1=http://10.0.0.7:8080,sink-2=http://10.0.0.8:8080/',
}

test('a console listens on loopback, may not replay, and looks at the instances that it was given', () => {
  assert.deepEqual(readConfig(MINIMUM), {
    kafkaBrokers: ['kafka:9092'],
    schemaRegistryUrl: 'http://registry',
    host: '127.0.0.1',
    port: 8_080,
    logLevel: 'info',
    token: 'sixteen-letters-or-more',
    instances: [
      { name: 'sink-1', url: 'http://10.0.0.7:8080' },
      { name: 'sink-2', url: 'http://10.0.0.8:8080' },
    ],
    deadLetterTopics: undefined,
    isReplayAllowed: false,
    lagWarningMs: 10_000,
  })
})

test('a token may come from a file, whose last line break is not part of it', t => {
  const folder = mkdtempSync(join(tmpdir(), 'console-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'token')
  writeFileSync(file, 'a-token-from-a-file\n')
  const { token } = readConfig({ ...MINIMUM, CONSOLE_TOKEN: '', CONSOLE_TOKEN_FILE: file })
  assert.equal(token, 'a-token-from-a-file')
})

test('a variable that is misspelt, and every value that means nothing, is named at once', () => {
  const faulty = {
    ...MINIMUM,
    CONSOLE_TOKENS: 'x',
    CONSOLE_INSTANCES: 'a=ftp://x,b=http://x/path,c=http://u:p@x,d=http://x,d=http://y,nonsense',
    CONSOLE_ALLOW_REPLAY: 'yes',
    CONSOLE_LAG_WARNING_MS: '1',
    CONSOLE_DEAD_LETTER_TOPICS: 'good,not good',
  }
  assert.throws(
    () => readConfig(faulty),
    (error: Error) => {
      for (const part of [
        'CONSOLE_TOKENS is unknown',
        "for 'a'",
        "for 'b'",
        "for 'c'",
        "names 'd' twice",
        "for '?'",
        "CONSOLE_ALLOW_REPLAY is 'yes'",
        "CONSOLE_LAG_WARNING_MS is '1'",
        "has 'not good'",
      ])
        assert.ok(error.message.includes(part), `${part} in ${error.message}`)
      return true
    },
  )
})

test('there is no console without a token, none with a short one, and no message shows it', () => {
  assert.throws(() => readConfig({ ...MINIMUM, CONSOLE_TOKEN: '' }), /exactly one of CONSOLE_TOKEN/)
  assert.throws(
    () => readConfig({ ...MINIMUM, CONSOLE_TOKEN: 'hidden-short' }),
    (error: Error) => /16 to 512/.test(error.message) && !error.message.includes('hidden-short'),
  )
  assert.throws(
    () => readConfig({ ...MINIMUM, CONSOLE_TOKEN_FILE: '/x' }),
    (error: Error) => !error.message.includes(MINIMUM.CONSOLE_TOKEN),
  )
})
