import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refused, rig, throttled, unavailable } from './scripted-source.ts'
import { anyMoment, until } from './until.ts'

test('callers who ask for the same key at the same time share one call', async t => {
  const { enrich, source } = rig<string>(t)
  const answers = Promise.all([enrich('a'), enrich('a'), enrich('b'), enrich('a')])
  await until('both calls are made', () => source.calls.length === 2)
  for (const call of source.calls) call.answer([`answer ${call.keys[0]}`])
  assert.deepEqual(await answers, ['answer a', 'answer a', 'answer b', 'answer a'])
  assert.deepEqual([enrich.stats.misses, enrich.stats.joins], [2, 2])
})

test('keys are equal by value, and 7 is not "7"', async t => {
  type Key = number | string | readonly (string | number)[]
  const { enrich, source } = rig<Key, string>(t, { concurrency: 20 })
  const inputs: Key[] = [7, '7', [7], ['7'], ['a', 'b'], ['a', 'b'], ['a,b'], ['as1:b'], 7]
  const answers = Promise.all(inputs.map(input => enrich(input)))
  await until('the calls are made', () => source.calls.length === 7)
  for (const [index, call] of source.calls.entries()) call.answer([`${index}`])
  assert.deepEqual(await answers, ['0', '1', '2', '3', '4', '4', '5', '6', '0'])
})

test('a caller who gives up leaves the call to the others', async t => {
  const { enrich, source } = rig<string>(t)
  const impatient = new AbortController()
  const first = enrich('a', { signal: impatient.signal })
  const second = enrich('a', { signal: new AbortController().signal })
  await until('the call is made', () => source.calls.length === 1)
  impatient.abort(new Error('enough'))
  await assert.rejects(first, /enough/)
  assert.equal(source.calls[0]!.signal.aborted, false)
  source.calls[0]!.answer(['fine'])
  assert.equal(await second, 'fine')
})

test('a call that nobody waits for any more is stopped, and the next caller starts afresh', async t => {
  const { enrich, source } = rig<string>(t, { maxIds: 2, lingerMs: 5 })
  const impatient = new AbortController()
  const [first, second] = [
    enrich('a', { signal: impatient.signal }),
    enrich('b', { signal: impatient.signal }),
  ]
  await until('the call is made', () => source.calls.length === 1)
  impatient.abort(new Error('enough'))
  await Promise.all([assert.rejects(first, /enough/), assert.rejects(second, /enough/)])
  assert.equal(source.calls[0]!.signal.aborted, true)
  assert.equal(enrich.stats.waiting, 0)
  const again = Promise.all([enrich('a'), enrich('b')])
  await until('the next call is made', () => source.calls.length === 2)
  source.calls[0]!.answer(['late a', 'late b'])
  source.calls[1]!.answer(['new a', 'new b'])
  assert.deepEqual(await again, ['new a', 'new b'])
})

test('a caller whose signal has aborted already makes no call', async t => {
  const { enrich, source } = rig<string>(t)
  await assert.rejects(enrich('a', { signal: AbortSignal.abort(new Error('over')) }), /over/)
  assert.equal(source.calls.length, 0)
})

test('keys are gathered until a call is full', async t => {
  const { enrich, source, clock } = rig<number, number>(t, { maxIds: 3, lingerMs: 10 })
  const answers = Promise.all([1, 2, 3, 4].map(n => enrich(n)))
  await until('the full call is made', () => source.calls.length === 1)
  assert.deepEqual(source.calls[0]!.keys, [1, 2, 3])
  source.calls[0]!.answer([10, 20, 30])
  await until('the rest lingers', () => enrich.stats.waiting === 1)
  assert.equal(source.calls.length, 1)
  clock.advance(10)
  await until('the rest is asked for', () => source.calls.length === 2)
  assert.deepEqual(source.calls[1]!.keys, [4])
  source.calls[1]!.answer([40])
  assert.deepEqual(await answers, [10, 20, 30, 40])
})

test('while all slots are taken calls fill up instead of queueing half empty', async t => {
  const { enrich, source, clock } = rig<number, number>(t, { maxIds: 10, lingerMs: 10, concurrency: 1 })
  const first = enrich(0)
  clock.advance(10)
  await until('the only slot is taken', () => source.calls.length === 1)
  const others: Promise<number>[] = []
  for (let n = 1; n <= 10; n++) {
    others.push(enrich(n))
    clock.advance(10)
  }
  source.calls[0]!.answer([0])
  await until('the next call is made', () => source.calls.length === 2)
  assert.equal(source.calls[1]!.keys.length, 10)
  source.calls[1]!.answer(source.calls[1]!.keys)
  assert.deepEqual([await first, ...(await Promise.all(others))], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
})

test('one bad key among many fails alone', async t => {
  const { enrich, source } = rig<number, number>(t, { maxIds: 8, lingerMs: 5, concurrency: 1 })
  const answers = Promise.allSettled([1, 2, 3, 4, 5, 6, 7, 8].map(n => enrich(n)))
  let seen = 0
  while (enrich.stats.waiting > 0) {
    await until('a call is made', () => source.calls.length > seen || enrich.stats.waiting === 0)
    const call = source.calls[seen++]
    if (call?.keys.includes(6)) call.fail(refused())
    else call?.answer(call.keys.map(n => n * 10))
    await anyMoment()
  }
  const outcomes = await answers
  assert.deepEqual(
    outcomes.map(outcome => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.code)),
    [10, 20, 30, 40, 50, 'ENRICHER_STATUS_REFUSED', 70, 80],
  )
  assert.equal(source.calls.length, 7)
})

test('a call that finds the other side down is made again after a random part of a growing wait', async t => {
  const { enrich, source, clock } = rig<string>(t, { retry: { attempts: 4, baseMs: 100, maxMs: 300 } })
  const answer = enrich('a')
  for (const [index, waitMs] of [50, 100, 150].entries()) {
    await until('the call is made', () => source.calls.length === index + 1)
    source.calls[index]!.fail(unavailable())
    await until('the wait has begun', () => clock.nextTimerMs === waitMs)
    clock.advance(waitMs)
  }
  await until('the last call is made', () => source.calls.length === 4)
  source.calls[3]!.answer(['at last'])
  assert.equal(await answer, 'at last')
  assert.deepEqual([enrich.stats.failures, enrich.stats.retries], [3, 3])
})

test('after its attempts it leaves the decision to the caller', async t => {
  const { enrich, source, clock } = rig<string>(t, { retry: { attempts: 2 } })
  const answer = enrich('a')
  await until('the call is made', () => source.calls.length === 1)
  source.calls[0]!.fail(unavailable())
  await until('the wait has begun', () => clock.nextTimerMs === 50)
  clock.advance(50)
  await until('the call is made again', () => source.calls.length === 2)
  source.calls[1]!.fail(unavailable())
  await assert.rejects(answer, { code: 'ENRICHER_NETWORK_FAILED', retry: { kind: 'backoff' } })
})

test('with unlimited attempts it goes on, an open breaker included', async t => {
  const { enrich, source, clock } = rig<string>(t, {
    retry: { attempts: 'unlimited', baseMs: 10, maxMs: 10 },
    breaker: { failures: 2, ofLast: 2, openMs: 500 },
  })
  const answer = enrich('a')
  for (let n = 0; n < 6; n++) {
    await until('the call is made', () => {
      clock.advance(50)
      return source.calls.length === n + 1
    })
    source.calls[n]!.fail(unavailable())
  }
  await until('the other side is tried again', () => {
    clock.advance(100)
    return source.calls.length === 7
  })
  source.calls[6]!.answer(['at last'])
  assert.equal(await answer, 'at last')
  assert.equal(enrich.stats.breaker, 'closed')
})

test('a wait for the next attempt takes no slot', async t => {
  const { enrich, source, clock } = rig<string>(t, { concurrency: 1 })
  const [first, second] = [enrich('a'), enrich('b')]
  await until('the first call is made', () => source.calls.length === 1)
  source.calls[0]!.fail(unavailable())
  await until('the other call is made', () => source.calls.length === 2)
  assert.deepEqual(source.calls[1]!.keys, ['b'])
  source.calls[1]!.answer(['b'])
  assert.equal(await second, 'b')
  clock.advance(50)
  await until('the first call is made again', () => source.calls.length === 3)
  source.calls[2]!.answer(['a'])
  assert.equal(await first, 'a')
})

test('a call without an answer in time is given up, and what comes late is not used', async t => {
  const { enrich, source, clock } = rig<string>(t, { timeoutMs: 1_000, retry: { attempts: 1 } })
  const answer = enrich('a')
  await until('the call is made', () => source.calls.length === 1)
  clock.advance(1_000)
  await assert.rejects(answer, { code: 'ENRICHER_TIMED_OUT', retry: { kind: 'backoff' } })
  assert.equal(source.calls[0]!.signal.aborted, true)
  source.calls[0]!.answer(['late'])
  assert.equal(enrich.stats.timeouts, 1)
  assert.equal(enrich.stats.inFlight, 0)
})

test('when the other side asks for a pause nobody calls, and then everybody goes on', async t => {
  const { enrich, source, clock } = rig<string>(t)
  const [first, second] = [enrich('a'), enrich('b')]
  await until('both calls are made', () => source.calls.length === 2)
  source.calls[0]!.fail(throttled(800))
  source.calls[1]!.answer(['b'])
  assert.equal(await second, 'b')
  const third = enrich('c')
  clock.advance(799)
  await anyMoment()
  assert.equal(source.calls.length, 2)
  clock.advance(1)
  await until('both are asked for', () => source.calls.length === 4)
  for (const call of source.calls.slice(2)) call.answer([`${call.keys[0]} at last`])
  assert.deepEqual([await first, await third], ['a at last', 'c at last'])
  assert.equal(enrich.stats.breaker, 'closed')
})

test('a pause too long to wait here is handed on to every caller', async t => {
  const { enrich, source, clock } = rig<string>(t, { retry: { maxMs: 1_000 } })
  const [first, second] = [enrich('a'), enrich('b')]
  await until('both calls are made', () => source.calls.length === 2)
  source.calls[0]!.fail(throttled(60_000))
  await assert.rejects(first, { code: 'ENRICHER_THROTTLED', retry: { kind: 'after', ms: 60_000 } })
  source.calls[1]!.answer(['b'])
  assert.equal(await second, 'b')
  clock.advance(10_000)
  await assert.rejects(enrich('c'), { code: 'ENRICHER_THROTTLED', retry: { kind: 'after', ms: 50_000 } })
  assert.equal(source.calls.length, 2)
})

test('an open breaker turns callers away at once, and says for how long', async t => {
  const { enrich, source, clock } = rig<number, number>(t, {
    retry: { attempts: 1 },
    breaker: { failures: 3, ofLast: 3, openMs: 1_000 },
  })
  const failing = Promise.allSettled([1, 2, 3].map(n => enrich(n)))
  await until('the calls are made', () => source.calls.length === 3)
  for (const call of source.calls) call.fail(unavailable())
  await failing
  clock.advance(400)
  await assert.rejects(enrich(4), { code: 'ENRICHER_CIRCUIT_OPEN', retry: { kind: 'after', ms: 600 } })
  assert.equal(source.calls.length, 3)
  assert.equal(enrich.stats.turnedAway, 1)
})

test('after its time an open breaker tries one call, and the rest wait for how that goes', async t => {
  const { enrich, source, clock } = rig<number, number>(t, {
    retry: { attempts: 1 },
    breaker: { failures: 3, ofLast: 3, openMs: 1_000 },
  })
  const failing = Promise.allSettled([1, 2, 3].map(n => enrich(n)))
  await until('the calls are made', () => source.calls.length === 3)
  for (const call of source.calls) call.fail(unavailable())
  await failing
  clock.advance(1_000)
  const answers = Promise.all([4, 5, 6].map(n => enrich(n)))
  await until('one call is made', () => source.calls.length === 4)
  await anyMoment()
  assert.equal(source.calls.length, 4)
  source.calls[3]!.answer([40])
  await until('the rest is asked for', () => source.calls.length === 6)
  for (const call of source.calls.slice(4)) call.answer([call.keys[0]! * 10])
  assert.deepEqual(await answers, [40, 50, 60])
})

test('refusals do not open the breaker: they show that the other side is up', async t => {
  const { enrich, source } = rig<number, number>(t, { breaker: { failures: 2, ofLast: 2 } })
  for (let n = 0; n < 5; n++) {
    const answer = enrich(n)
    await until('the call is made', () => source.calls.length === n + 1)
    source.calls[n]!.fail(refused())
    await assert.rejects(answer, { code: 'ENRICHER_STATUS_REFUSED' })
  }
  assert.equal(enrich.stats.breaker, 'closed')
})

test('closing answers everyone, stops the calls under way, and refuses new ones', async t => {
  const { enrich, source, clock } = rig<number, number>(t, { concurrency: 2 })
  const answers = Promise.allSettled([1, 2, 3, 4].map(n => enrich(n)))
  await until('the calls are made', () => source.calls.length === 2)
  source.calls[0]!.fail(unavailable())
  await until('a third call is made', () => source.calls.length === 3)
  await enrich.close()
  for (const outcome of await answers) {
    assert.ok(outcome.status === 'rejected')
    assert.deepEqual([outcome.reason.code, outcome.reason.retry], ['ENRICHER_CLOSED', { kind: 'backoff' }])
  }
  assert.ok(source.calls[1]!.signal.aborted && source.calls[2]!.signal.aborted)
  assert.equal(source.isClosed, true)
  assert.equal(clock.timers, 0)
  await assert.rejects(enrich(5), { code: 'ENRICHER_CLOSED' })
})

test('a key function that throws, or makes no key, fails the input for good', async t => {
  const { enrich } = rig<string>(t, {
    key: input => {
      if (input === 'bad') throw new Error('no customer')
      return { not: 'a key' } as unknown as string
    },
  })
  await assert.rejects(enrich('bad'), {
    code: 'ENRICHER_INPUT_INVALID',
    retry: { kind: 'never' },
    message: /no customer/,
  })
  await assert.rejects(enrich('x'), { code: 'ENRICHER_INPUT_INVALID', message: /not object/ })
})
