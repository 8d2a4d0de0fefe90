import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { TopologyTestDriver } from '@tributary/topology/testing'
import { until } from '../../../test-support/until.ts'
import type { Activity } from '../src/search-index.ts'
import { activities, indexer } from '../src/topology.ts'

/** Answers each call with the next of these, and the last from then on: a status for all, or one for each activity. */
async function fakeIndex(t: TestContext, ...answers: readonly (number | ((activity: Activity) => number))[]) {
  const calls: string[][] = []
  const server = createServer((request, response) => {
    void json(request).then(body => {
      const batch = body as readonly Activity[]
      const answer = answers[Math.min(calls.length, answers.length - 1)] ?? 200
      calls.push(batch.map(({ activityId }) => activityId))
      if (typeof answer === 'number') response.writeHead(answer, { 'retry-after': '3' }).end()
      else response.end(JSON.stringify(batch.map(answer)))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const driver = await TopologyTestDriver.create(
    indexer(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
  )
  t.after(() => driver.close())
  const input = driver.input(activities)
  const put = (activityId: string): void =>
    input.put(activityId, { activityId, title: `Title of ${activityId}` })
  return { driver, calls, put }
}

test('a batch goes when it is full, or when its first item has waited long enough', async t => {
  const { driver, calls, put } = await fakeIndex(t, () => 200)
  for (let i = 0; i < 60; i += 1) put(`a${i}`)
  await driver.advance(200)
  await until('all is delivered', () => driver.inFlight === 0)
  assert.deepEqual(
    calls.map(({ length }) => length),
    [50, 10],
  )
})

test('what the index refuses is a dead letter, and what it has no time for goes again', async t => {
  let refusals = 0
  const { driver, calls, put } = await fakeIndex(t, ({ activityId }) => {
    if (activityId === 'bad') return 422
    if (activityId === 'busy' && (refusals += 1) === 1) return 409
    return 200
  })
  for (const id of ['good', 'bad', 'busy']) put(id)
  await driver.advance(200)
  await until('two are finished', () => driver.inFlight === 1)
  await driver.advance(1_000)
  await until('the third is', () => driver.inFlight === 0)
  assert.deepEqual(calls, [['good', 'bad', 'busy'], ['busy']])
  assert.deepEqual(
    driver.takeDeadLetters().map(({ headerTexts }) => headerTexts['__streams.errors.message']),
    ['search index rejected the record: status 422'],
  )
})

test('an index that is overloaded gets the whole batch again when it says', async t => {
  const { driver, calls, put } = await fakeIndex(t, 429, () => 200)
  put('a')
  await driver.advance(200)
  await until('the first call is answered', () => calls.length === 1)
  await driver.settle()
  // Until the answer has come back, time may not go on without it.
  await until('it is delivered', async () => {
    await driver.advance(1_000)
    return driver.inFlight === 0
  })
  assert.deepEqual(calls, [['a'], ['a']])
})
