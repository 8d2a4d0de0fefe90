import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../src/config.ts'

const DATABASE_URL = 'postgres://user:secret@db/activities'

test('only the database has to be named', () => {
  assert.deepEqual(readConfig({ DATABASE_URL, PORT: '' }), {
    databaseUrl: DATABASE_URL,
    host: '127.0.0.1',
    port: 8070,
    logLevel: 'info',
    hasFaultSwitch: false,
  })
})

test('everything can be said', () => {
  const environment = { DATABASE_URL, HOST: '0.0.0.0', PORT: '0', LOG_LEVEL: 'warn', ACTIVITIES_FAULTS: 'on' }
  assert.deepEqual(readConfig(environment), {
    databaseUrl: DATABASE_URL,
    host: '0.0.0.0',
    port: 0,
    logLevel: 'warn',
    hasFaultSwitch: true,
  })
})

test('every fault is named at once, with what is allowed and without the password', () => {
  const environment = {
    DATABASE_URL: 'mysql://user:secret@db',
    PORT: '70000',
    LOG_LEVEL: 'loud',
    ACTIVITIES_FAULTS: 'yes',
  }
  assert.throws(
    () => readConfig(environment),
    ({ code, message }: { code: string; message: string }) => {
      assert.equal(code, 'ACTIVITIES_CONFIG_INVALID')
      assert.match(message, /DATABASE_URL must be a postgres:\/\/ URL/)
      assert.match(message, /PORT is "70000"; allowed is a whole number from 0 to 65535/)
      assert.match(message, /LOG_LEVEL is "loud"; allowed is one of fatal/)
      assert.match(message, /ACTIVITIES_FAULTS is "yes"; allowed is on or off/)
      assert.doesNotMatch(message, /secret/)
      return true
    },
  )
})
