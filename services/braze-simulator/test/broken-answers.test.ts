import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { request as send } from 'undici'
import { API_KEY, event, rig, until } from './harness.ts'
import type { Rig } from './harness.ts'

const body = { events: [event('u')] }
const SUCCESS = JSON.stringify({ message: 'success', events_processed: 1 })

interface Seen {
  readonly status: number
  readonly type: unknown
  readonly length: unknown
  readonly text: () => Promise<string>
}

/** Over a real connection: it is what arrives that counts. */
async function poster(t: TestContext, it: Rig): Promise<() => Promise<Seen>> {
  const url = await it.simulator.app.listen({ port: 0, host: '127.0.0.1' })
  return async () => {
    const {
      statusCode,
      headers,
      body: answer,
    } = await send(`${url}/users/track`, {
      method: 'POST',
      headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return {
      status: statusCode,
      type: headers['content-type'],
      length: headers['content-length'],
      text: () => answer.text(),
    }
  }
}

test('in maintenance the answer is 202 and the objects are taken in', async t => {
  const it = rig(t)
  await it.fault({ queued: true, times: 1 })
  const answer = await it.track(body)
  assert.equal(answer.status, 202)
  assert.deepEqual(answer.body, { message: 'queued' })
  assert.equal(answer.headers['x-ratelimit-limit'], '3000')
  assert.equal(it.simulator.state.events().length, 1)
  assert.equal((await it.track(body)).status, 201)
})

test('broken answers: JSON that ends halfway, another type, no body, a page; each says whether the objects are in', async t => {
  const it = rig(t)
  const post = await poster(t, it)
  const cases: readonly (readonly [string, number, RegExp | undefined, string | RegExp, number])[] = [
    ['truncated', 201, /json/, SUCCESS.slice(0, SUCCESS.length / 2), 1],
    ['content-type', 201, /text\/plain/, SUCCESS, 1],
    ['empty', 201, undefined, '', 1],
    ['html', 200, /text\/html/, /^<!doctype html>/, 0],
  ]
  for (const [broken, status, type, text, taken] of cases) {
    const before = it.simulator.state.events().length
    await it.fault({ broken, times: 1 })
    const seen = await post()
    assert.equal(seen.status, status, broken)
    if (type === undefined) assert.equal(seen.type, undefined, broken)
    else assert.match(String(seen.type), type, broken)
    const read = await seen.text()
    if (typeof text === 'string') assert.equal(read, text, broken)
    else assert.match(read, text, broken)
    assert.equal(it.simulator.state.events().length - before, taken, broken)
  }
  await it.fault({ broken: 'empty', applied: false, times: 1 })
  await post()
  assert.equal(it.simulator.state.events().length, 3)
})

test('a connection that is cut within the body has sent its head and half of the rest', async t => {
  const it = rig(t)
  const post = await poster(t, it)
  await it.fault({ broken: 'cut', times: 1 })
  const seen = await post()
  assert.deepEqual([seen.status, seen.length], [201, String(SUCCESS.length)])
  await assert.rejects(seen.text())
  assert.deepEqual((await it.summary()).requests.byStatus, { reset: 1 })
  assert.equal(it.simulator.state.events().length, 1)
})

test('a slow answer begins at once, ends when its time is over, and keeps its users under way', async t => {
  const it = rig(t, { latencyMs: 5 })
  const post = await poster(t, it)
  await it.fault({ trickleMs: 700, times: 1 })
  const posted = post()
  await until(() => it.clock.sleeping === 1)
  it.clock.advance(5)
  const seen = await posted
  assert.equal(seen.status, 201)
  let text: string | undefined
  const reading = seen.text().then(read => {
    text = read
  })
  for (let piece = 1; piece <= 7; piece++) {
    await until(() => it.clock.sleeping === 1)
    assert.equal(text, undefined)
    assert.equal(it.simulator.state.inFlight.underWay, 1)
    it.clock.advance(100)
  }
  await reading
  assert.equal(text, SUCCESS)
  await until(() => it.simulator.state.inFlight.underWay === 0)
})

test('a 429 can come without any header of the limits', async t => {
  const it = rig(t)
  await it.fault({ status: 429, withoutHeaders: true, times: 1 })
  const { status, headers } = await it.track(body)
  assert.equal(status, 429)
  assert.deepEqual(
    Object.keys(headers).filter(name => /ratelimit|retry/.test(name)),
    [],
  )
})
