import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestClock } from '@tributary/topology/testing'
import { answer, API_KEY, deliver, destinationTo, event, kindsOf, serve, withSimulator } from './harness.ts'
import { NEVER } from './limiter-harness.ts'
import { until } from '../../../test-support/until.ts'

interface Failure extends Error {
  readonly code: string
  readonly retry: unknown
}

test('a wrong key keeps everything where it is, says so, and shows no key', async t => {
  const logged: { readonly facts: object; readonly message: string }[] = []
  const logger = {
    warn: () => {},
    error: (facts: object, message: string) => logged.push({ facts, message }),
  }
  const { simulator, destination } = await withSimulator(t, { apiKey: 'another-key' }, { logger })
  const shown: unknown[] = []
  const refused = (error: Failure): boolean => {
    assert.equal(error.code, 'BRAZE_UNAUTHORIZED')
    assert.deepEqual(error.retry, { kind: 'after', ms: 1_000, isAttempt: false })
    assert.match(error.message, /does not accept the API key.*permission/)
    shown.push(error.message, error.stack, String(error.cause))
    return true
  }
  await assert.rejects(deliver(destination, [event('u1')]), refused)
  await assert.rejects(deliver(destination, [event('u2')]), refused)
  assert.equal(simulator.state.summary().requests.total, 1, 'the second has sent nothing')
  assert.match(destination.problem() ?? '', /^\/users\/track: shut out.*does not accept the API key/)
  assert.equal(destination.stats.problem, destination.problem())
  assert.equal(logged.length, 1)
  assert.equal(JSON.stringify([shown, logged, destination.problem()]).includes(API_KEY), false)
})

test('a key that is changed live lets everything go on without a restart', async t => {
  let apiKey = 'old-key'
  const clock = new TestClock()
  const { simulator, destination } = await withSimulator(
    t,
    { apiKey: 'new-key' },
    { apiKey: () => apiKey, clock },
  )
  await assert.rejects(deliver(destination, [event('u1')]), { code: 'BRAZE_UNAUTHORIZED' })
  let isReady = false
  void destination.whenReady({ signal: NEVER, isUrgent: true }).then(() => (isReady = true))
  await clock.advance(2_000)
  assert.equal(isReady, false, 'no batch is cut meanwhile')
  apiKey = 'new-key'
  await clock.advance(1_000)
  assert.equal(isReady, true)
  assert.deepEqual(kindsOf(await deliver(destination, [event('u1')])), ['accepted'])
  assert.equal(destination.problem(), undefined)
  assert.equal(simulator.state.events().length, 1)
})

test('what is known of some objects is kept when the others are shut out', async t => {
  const statuses = [201, 401]
  const url = await serve(t, (_, response) => answer(response, statuses.shift() ?? 201))
  const destination = destinationTo(t, url, { maxObjectsPerRequest: 1, clock: new TestClock() })
  const outcomes = await deliver(destination, [event('u1'), event('u2')])
  assert.deepEqual(kindsOf(outcomes), ['accepted', 'retry'])
})

test('while nobody answers, one request at a time tries, however many calls there are', async t => {
  let requests = 0
  let isDown = true
  const url = await serve(t, (_, response) => {
    requests += 1
    answer(response, isDown ? 503 : 201)
  })
  const clock = new TestClock()
  const destination = destinationTo(t, url, { clock, random: () => 1 })
  const all = (): Promise<PromiseSettledResult<unknown>[]> =>
    Promise.allSettled(Array.from({ length: 20 }, (_, i) => deliver(destination, [event(`u${i}`)])))
  await all()
  assert.equal(requests, 20, 'these were under way at once')
  assert.match(destination.problem() ?? '', /no answer to 20 requests in a row/)
  await all()
  assert.equal(requests, 20)
  await clock.advance(500)
  await all()
  assert.equal(requests, 21)
  await clock.advance(1_000)
  isDown = false
  const settled = await all()
  assert.equal(requests, 22)
  assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 1)
  assert.equal(destination.problem(), undefined)
  await all()
  assert.equal(requests, 42)
})

test('what is taken in lets its user rest for the gap, and holds no place meanwhile', async t => {
  const url = await serve(t, (_, response) => answer(response, 201))
  const destination = destinationTo(t, url, { clock: new TestClock(), userGapMs: 300 })
  assert.deepEqual(await deliver(destination, [event('u1'), event('u2')]), [
    { kind: 'accepted', restMs: 300 },
    { kind: 'accepted', restMs: 300 },
  ])
})

test('requests of one batch keep the gap, too', async t => {
  const sent: number[] = []
  const clock = new TestClock()
  const url = await serve(t, (_, response) => {
    sent.push(clock.monotonicMs())
    answer(response, 201)
  })
  const destination = destinationTo(t, url, { clock, userGapMs: 300, maxObjectsPerRequest: 1 })
  const delivering = deliver(destination, [event('u1'), event('u1')])
  await until('the first is taken in', () => destination.stats.accepted === 1)
  await clock.advance(0)
  await clock.advance(299)
  assert.equal(sent.length, 1)
  await clock.advance(1)
  assert.deepEqual(kindsOf(await delivering), ['accepted', 'accepted'])
  assert.deepEqual(sent, [0, 300])
})
