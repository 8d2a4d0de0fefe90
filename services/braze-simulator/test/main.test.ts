import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

function start(t: TestContext, environment: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(process.execPath, ['-C', '@tributary/source', main], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  return child
}

/** The address in the log line that says where the service listens. */
async function addressOf(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const address = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]
    if (address !== undefined) return address
  }
  throw new Error('the service ended without listening')
}

test('the service answers, and ends by itself on SIGTERM with the requests under way answered', async t => {
  const child = start(t, { BRAZE_API_KEY: 'k', PORT: '0', SIMULATOR_LATENCY_MS: '600000' })
  const address = await addressOf(child)
  for (const path of ['/health/live', '/health/ready']) {
    const health = await fetch(address + path)
    assert.equal(health.status, 200)
    await health.arrayBuffer()
  }
  const sending = fetch(`${address}/users/track`, {
    method: 'POST',
    headers: { authorization: 'Bearer k', 'content-type': 'application/json' },
    body: JSON.stringify({ attributes: [{ external_id: 'u', city: 'Lisbon' }] }),
  })
  // The request waits in the service, so it is not in the summary yet: the used limit shows that it has arrived.
  let remaining = 3_000
  const deadline = performance.now() + 5_000
  while (remaining === 3_000) {
    assert.ok(performance.now() < deadline, 'the request has not arrived')
    const state = (await (await fetch(`${address}/_simulator/state`)).json()) as {
      limits: { remaining: number }[]
    }
    remaining = state.limits[0]?.remaining ?? 0
  }
  child.kill('SIGTERM')
  assert.equal((await sending).status, 201)
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  assert.deepEqual([code, signal], [0, null])
})

test('a service without a key says so in one line and ends', async t => {
  const child = start(t, {})
  let text = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const [code] = (await once(child, 'close')) as [number | null]
  assert.equal(code, 1)
  assert.equal(text, 'braze-simulator: BRAZE_API_KEY is missing: set it to the key that clients will send\n')
})
