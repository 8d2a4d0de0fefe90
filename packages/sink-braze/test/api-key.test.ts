import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { TestClock } from '@tributary/topology/testing'
import { apiKeyFrom } from '../src/api-key.ts'

async function keyFile(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'braze-key-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'key')
  await writeFile(file, text)
  return file
}

test('a file is read again within two seconds of a change, without the space around the key', async t => {
  const file = await keyFile(t, 'key-1\n')
  const clock = new TestClock()
  const key = apiKeyFrom({ file }, { clock })
  assert.equal(key(), 'key-1')
  await writeFile(file, '  key-2 \n')
  await utimes(file, 1, 1)
  assert.equal(key(), 'key-1', 'not looked at for every request')
  await clock.advance(2_000)
  assert.equal(key(), 'key-2')
})

test('a file that another takes the place of is read, with the same time and size too', async t => {
  const file = await keyFile(t, 'key-1')
  const clock = new TestClock()
  await utimes(file, 1, 1)
  const key = apiKeyFrom({ file }, { clock })
  await writeFile(`${file}.new`, 'key-2')
  await utimes(`${file}.new`, 1, 1)
  await rename(`${file}.new`, file)
  await clock.advance(2_000)
  assert.equal(key(), 'key-2')
  await writeFile(`${file}.third`, 'key-3')
  await rm(file)
  await symlink(`${file}.third`, file)
  await clock.advance(2_000)
  assert.equal(key(), 'key-3')
})

test('a file that is gone or empty for a while leaves the last key in use', async t => {
  const file = await keyFile(t, 'key-1')
  const clock = new TestClock()
  const key = apiKeyFrom({ file }, { clock })
  await writeFile(file, '')
  await clock.advance(2_000)
  assert.equal(key(), 'key-1')
  await rm(file)
  await clock.advance(2_000)
  assert.equal(key(), 'key-1')
  await writeFile(file, 'key-2')
  await clock.advance(2_000)
  assert.equal(key(), 'key-2')
})

test('a variable is read for each request', t => {
  const name = `BRAZE_KEY_OF_TEST_${process.pid}`
  t.after(() => delete process.env[name])
  process.env[name] = ' key-1 '
  const key = apiKeyFrom({ env: name })
  assert.equal(key(), 'key-1')
  process.env[name] = 'key-2'
  assert.equal(key(), 'key-2')
})

test('without a usable key to begin with there is an error that shows none', async t => {
  const file = await keyFile(t, '!se cret!')
  const refused = (error: Error & { code?: string }): boolean =>
    error.code === 'BRAZE_OPTION_INVALID' &&
    error.message.includes('missing or malformed') &&
    !error.message.includes('cret!')
  assert.throws(() => apiKeyFrom({ file }), refused)
  assert.throws(() => apiKeyFrom({ file: `${file}-that-is-not-there` }), refused)
  assert.throws(() => apiKeyFrom({ env: 'BRAZE_KEY_THAT_IS_NOT_SET' }), refused)
})
