import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { freePort, isPortFree, usualOrFreePort } from '../stack/ports.ts'

test('a usual port that is taken is replaced by a free one', async t => {
  for (const host of ['127.0.0.1', '0.0.0.0']) {
    const port = await freePort()
    const server = createServer()
    await new Promise<void>(resolve => server.listen(port, host, resolve))
    t.after(() => server.close())
    assert.equal(await isPortFree(port), false)
    const chosen = await usualOrFreePort(port)
    assert.notEqual(chosen, port)
    assert.equal(await isPortFree(chosen), true)
  }
})

test('a usual port that is free is taken', async () => {
  const port = await freePort()
  assert.equal(await usualOrFreePort(port), port)
})
