import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestClock } from '@tributary/topology/testing'
import { BrazeError, type BrazeErrorCode } from '../src/errors.ts'
import { Gate } from '../src/gate.ts'
import { NEVER } from './limiter-harness.ts'

function setUp() {
  const clock = new TestClock()
  const logged: { readonly level: string; readonly message: string }[] = []
  const key = { now: 'key-1' as string | undefined }
  const gate = new Gate({
    clock,
    random: () => 1,
    logger: {
      warn: (_, message) => logged.push({ level: 'warn', message }),
      error: (_, message) => logged.push({ level: 'error', message }),
    },
    apiKey: () => {
      if (key.now === undefined) throw error('BRAZE_KEY_UNUSABLE')
      return key.now
    },
    probeBaseMs: 5_000,
    probeMaxMs: 60_000,
  })
  const waitOpen = (): { isOpen: boolean } => {
    const state = { isOpen: false }
    void gate.whenOpen(NEVER).then(() => (state.isOpen = true))
    return state
  }
  /** Lets the clock run until a try is offered, and makes it. @returns the seconds that it took */
  const nextTry = async (end: (pass: ReturnType<Gate['enter']>) => void): Promise<number> => {
    const fromMs = clock.monotonicMs()
    const state = waitOpen()
    while (!state.isOpen) await clock.step()
    end(gate.enter())
    return (clock.monotonicMs() - fromMs) / 1_000
  }
  return { clock, gate, key, logged, waitOpen, nextTry }
}

function error(code: BrazeErrorCode): BrazeError {
  return new BrazeError(code, `${code} it says`, { retry: { kind: 'backoff' } })
}

for (const code of [
  'BRAZE_UNAUTHORIZED',
  'BRAZE_FORBIDDEN',
  'BRAZE_NOT_FOUND',
  'BRAZE_UNSUPPORTED_MEDIA_TYPE',
  'BRAZE_UNEXPECTED_STATUS',
] as const) {
  test(`after ${code} nobody is let in, the reason is given, and the error asks to come again`, () => {
    const { gate } = setUp()
    const failure = gate.enter().end(error(code))
    assert.deepEqual(
      { code: failure.code, retry: failure.retry },
      { code, retry: { kind: 'after', ms: 1_000, isAttempt: false } },
    )
    assert.throws(() => gate.check(), { code })
    assert.throws(() => gate.enter(), { code })
    assert.match(gate.problem ?? '', new RegExp(`shut out.*${code} it says`))
  })
}

test('neither a try nor what is kept from Braze is an attempt, but what closed the gate is', () => {
  const { gate, key } = setUp()
  const adviceOf = (failure: BrazeError): unknown => failure.retry
  for (let i = 0; i < 5; i += 1) {
    assert.deepEqual(adviceOf(gate.enter().end(error('BRAZE_UNAVAILABLE'))), { kind: 'backoff' })
  }
  assert.throws(
    () => gate.enter(),
    ({ retry }: BrazeError) => retry.kind === 'after' && retry.isAttempt === false,
  )
  key.now = 'key-2'
  assert.deepEqual(adviceOf(gate.enter().end(error('BRAZE_UNAVAILABLE'))), {
    kind: 'backoff',
    isAttempt: false,
  })
})

test('one request at a time tries, after 5 s, 10 s, 20 s … 60 s; what it finds is logged once', async () => {
  const { gate, nextTry, logged } = setUp()
  gate.enter().end(error('BRAZE_UNAUTHORIZED'))
  const seconds: number[] = []
  for (let i = 0; i < 6; i += 1) seconds.push(await nextTry(pass => pass.end(error('BRAZE_UNAUTHORIZED'))))
  assert.deepEqual(seconds, [5, 10, 20, 40, 60, 60])
  assert.deepEqual(
    logged.map(({ level }) => level),
    ['error'],
  )
  await nextTry(pass => pass.end('reached'))
  assert.equal(gate.problem, undefined)
  gate.enter().end('reached')
  assert.equal(logged.at(-1)?.message, 'Braze lets us in again')
})

test('while one tries, the others wait, and all are let in when it is let in', async () => {
  const { clock, gate, waitOpen } = setUp()
  gate.enter().end(error('BRAZE_FORBIDDEN'))
  const waits = [waitOpen(), waitOpen(), waitOpen()]
  const open = (): number => waits.filter(({ isOpen }) => isOpen).length
  await clock.advance(4_999)
  assert.equal(open(), 0)
  await clock.advance(1)
  assert.equal(open(), 1)
  const pass = gate.enter()
  assert.throws(() => gate.enter(), { code: 'BRAZE_FORBIDDEN' })
  await clock.advance(30_000)
  assert.equal(open(), 1)
  pass.end('reached')
  await clock.advance(0)
  assert.equal(open(), 3)
})

test('a try that nobody makes is offered to the next', async () => {
  const { clock, gate, waitOpen } = setUp()
  gate.enter().end(error('BRAZE_FORBIDDEN'))
  const waits = [waitOpen(), waitOpen()]
  await clock.advance(5_000)
  assert.deepEqual(
    waits.map(({ isOpen }) => isOpen),
    [true, false],
  )
  await clock.advance(1_000)
  assert.deepEqual(
    waits.map(({ isOpen }) => isOpen),
    [true, true],
  )
})

test('a try that is given up leaves the next its turn', async () => {
  const { clock, gate, waitOpen } = setUp()
  gate.enter().end(error('BRAZE_FORBIDDEN'))
  await clock.advance(5_000)
  gate.enter().end('unknown')
  const state = waitOpen()
  await clock.advance(0)
  assert.equal(state.isOpen, true)
})

test('a key that has changed is tried within a second', async () => {
  const { clock, gate, key, waitOpen } = setUp()
  gate.enter().end(error('BRAZE_UNAUTHORIZED'))
  const state = waitOpen()
  await clock.advance(2_500)
  key.now = 'key-2'
  await clock.advance(1_000)
  assert.equal(state.isOpen, true)
  const pass = gate.enter()
  assert.equal(pass.key, 'key-2')
  pass.end('reached')
  assert.equal(gate.problem, undefined)
})

test('a key that cannot be read shuts out until it can', async () => {
  const { clock, gate, key, waitOpen } = setUp()
  key.now = undefined
  assert.throws(() => gate.enter(), { code: 'BRAZE_KEY_UNUSABLE' })
  assert.match(gate.problem ?? '', /BRAZE_KEY_UNUSABLE/)
  key.now = 'key-2'
  const state = waitOpen()
  await clock.advance(1_000)
  assert.equal(state.isOpen, true)
  gate.enter().end('reached')
  assert.equal(gate.problem, undefined)
})

test('answers to requests that were sent before do not open it, nor lengthen the wait', async () => {
  const { clock, gate, waitOpen } = setUp()
  const [first, second, third] = [gate.enter(), gate.enter(), gate.enter()]
  first.end(error('BRAZE_UNAUTHORIZED'))
  second.end(error('BRAZE_UNAUTHORIZED'))
  third.end('reached')
  assert.notEqual(gate.problem, undefined)
  const state = waitOpen()
  await clock.advance(5_000)
  assert.equal(state.isOpen, true)
})

test('five requests in a row without an answer leave one at a time; any answer opens it', async () => {
  const { gate, logged, nextTry } = setUp()
  const passes = Array.from({ length: 6 }, () => gate.enter())
  for (const pass of passes.slice(0, 4)) pass.end(error('BRAZE_UNAVAILABLE'))
  assert.equal(gate.problem, undefined)
  assert.equal(passes[4]?.end(error('BRAZE_TIMED_OUT')).retry.kind, 'backoff', 'its own advice stands')
  assert.match(gate.problem ?? '', /no answer to 5 requests in a row.*BRAZE_TIMED_OUT it says/)
  assert.throws(() => gate.enter(), { code: 'BRAZE_TIMED_OUT' })
  const seconds: number[] = []
  for (let i = 0; i < 9; i += 1) seconds.push(await nextTry(pass => pass.end(error('BRAZE_TIMED_OUT'))))
  assert.deepEqual(seconds, [0.5, 1, 2, 4, 8, 16, 32, 60, 60])
  assert.deepEqual(
    logged.map(({ level }) => level),
    ['warn'],
  )
  passes[5]?.end('reached')
  assert.equal(gate.problem, undefined)
})

test('an answer in between begins the count anew', () => {
  const { gate } = setUp()
  for (let i = 0; i < 12; i += 1) {
    const pass = gate.enter()
    if (i % 4 === 3) pass.end('reached')
    else pass.end(error('BRAZE_NETWORK_FAILED'))
  }
  assert.equal(gate.problem, undefined)
})

test('who waits is released by the signal, and no timer stays', async () => {
  const { clock, gate } = setUp()
  gate.enter().end(error('BRAZE_UNAUTHORIZED'))
  const controller = new AbortController()
  const waiting = gate.whenOpen(controller.signal)
  controller.abort(new Error('closed'))
  await assert.rejects(waiting, /closed/)
  assert.equal(clock.timers, 0)
})
