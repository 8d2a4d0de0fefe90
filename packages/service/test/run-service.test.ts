import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import { until } from '../../../test-support/until.ts'

interface Line {
  readonly msg?: string
  readonly address?: string
  readonly error?: { readonly code?: string; readonly message?: string }
  readonly state?: string
  readonly committed?: number
  readonly outputs?: readonly string[]
}

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly afterMs: number
}

/** A service in a process of its own. It writes its figures when it ends. */
class Service {
  readonly lines: Line[] = []
  readonly asked: string[] = []
  readonly ended: Promise<Ended>
  readonly #child
  #signalledAt = performance.now()

  constructor(t: TestContext, scenario: string, shutdownTimeoutMs: number) {
    this.#child = spawn(
      process.execPath,
      [
        '-C',
        '@tributary/source',
        new URL('shut-down-child.ts', import.meta.url).pathname,
        scenario,
        String(shutdownTimeoutMs),
      ],
      { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
    )
    const child = this.#child
    t.after(() => child.kill('SIGKILL'))
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', line =>
      this.lines.push(JSON.parse(line) as Line),
    )
    child.on('message', ({ asked }: { readonly asked: string }) => this.asked.push(asked))
    this.ended = once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as string | null,
      afterMs: performance.now() - this.#signalledAt,
    }))
  }

  async running(): Promise<this> {
    await until('it runs', () => this.lines.some(({ state }) => state === 'running'), { everyMs: 5 })
    return this
  }

  put(word: string): void {
    this.#child.send({ put: word })
  }

  answer(): void {
    this.#child.send({ answer: true })
  }

  async hears(word: string): Promise<void> {
    await until(`the call for ${word} is made`, () => this.asked.includes(word), { everyMs: 5 })
  }

  signal(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): void {
    this.#signalledAt = performance.now()
    this.#child.kill(signal)
  }

  async says(message: string): Promise<void> {
    await until(`it says '${message}'`, () => this.lines.some(({ msg }) => msg === message), { everyMs: 5 })
  }

  async get(path: string): Promise<{ readonly status: number; readonly body: unknown }> {
    const address = this.lines.find(line => line.address !== undefined)?.address
    const response = await fetch(`${address}${path}`)
    return { status: response.status, body: await response.json() }
  }

  async atTheEnd(): Promise<Pick<Line, 'committed' | 'outputs'>> {
    await until('its figures are there', () => this.lines.some(line => line.committed !== undefined))
    const { committed, outputs } = this.lines.find(line => line.committed !== undefined) as Required<Line>
    return { committed, outputs }
  }

  get failure(): Line['error'] {
    return this.lines.find(({ msg }) => msg === 'failed')?.error
  }
}

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  test(`${signal}: what is under way is finished and committed, and the exit code is 0`, async t => {
    const service = await new Service(t, 'drains', 20_000).running()
    assert.equal((await service.get('/health/ready')).status, 200)
    service.put('early')
    service.put('late')
    await service.hears('late')
    service.signal(signal)
    await service.says('stopping')
    assert.deepEqual(await service.get('/health/live'), {
      status: 200,
      body: { service: 'child', isAlive: true, state: 'closing' },
    })
    assert.deepEqual(await service.get('/health/ready'), {
      status: 503,
      body: { service: 'child', isReady: false, reasons: ['the application is closing'] },
    })
    service.answer()
    const { code, afterMs } = await service.ended
    assert.equal(code, 0)
    assert.ok(afterMs < 10_000, `${afterMs} ms`)
    assert.deepEqual(await service.atTheEnd(), { committed: 2, outputs: ['early', 'late'] })
  })

test('a call that never answers is given up within shutdownTimeoutMs, with exit code 0 and its offset uncommitted', async t => {
  const service = await new Service(t, 'drains', 1_000).running()
  service.put('early')
  service.put('hangs')
  service.put('behind it')
  await service.hears('hangs')
  service.signal()
  const { code, afterMs } = await service.ended
  assert.equal(code, 0)
  // The end of the process itself takes a moment on a busy machine.
  assert.ok(afterMs < 1_000 + 2_000, `${afterMs} ms`)
  assert.deepEqual(await service.atTheEnd(), { committed: 1, outputs: ['early'] })
})

test('a second signal ends at once, with exit code 130', async t => {
  const service = await new Service(t, 'drains', 60_000).running()
  service.put('hangs')
  await service.hears('hangs')
  service.signal()
  await service.says('stopping')
  service.signal('SIGINT')
  const { code, afterMs } = await service.ended
  assert.equal(code, 130)
  assert.ok(afterMs < 5_000, `${afterMs} ms`)
  assert.equal((await service.atTheEnd()).committed, 0)
})

test('an application that fails ends at once with exit code 1, and the log says why', async t => {
  const service = await new Service(t, 'fails', 60_000).running()
  service.put('early')
  service.put('boom')
  await service.says('the application cannot go on')
  const { code } = await service.ended
  assert.equal(code, 1)
  assert.equal(service.failure?.code, 'TOPOLOGY_PROCESSING_FAILED')
  assert.match(service.failure?.message ?? '', /words-0@1.*the word was boom/)
  assert.ok(((await service.atTheEnd()).committed as number) <= 1)
})

test('an application that cannot start ends with exit code 1, and the log says why', async t => {
  const service = new Service(t, 'without its topic', 1_000)
  assert.equal((await service.ended).code, 1)
  assert.equal(service.failure?.code, 'TOPOLOGY_TOPIC_MISSING')
  assert.match(service.failure?.message ?? '', /shouts/)
})
