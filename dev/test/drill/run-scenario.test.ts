import assert from 'node:assert/strict'
import { test } from 'node:test'
import { customers, wishlisted } from '../../drill/in-process/events.ts'
import { pictureOf } from '../../drill/in-process/picture.ts'
import type { World } from '../../drill/in-process/world.ts'
import { runScenario } from '../../drill/run-scenario.ts'

async function deliver(world: World): Promise<void> {
  world.put(...customers(3).map(user => wishlisted(user, 1)))
  await world.start()
  await world.finish()
}

test('a scenario that comes out as expected has no problems', async () => {
  const outcome = await runScenario({
    name: 'all is well',
    async play(world) {
      await deliver(world)
      return { answers: { 201: 1 } }
    },
  })
  const { seconds: _, ...rest } = outcome
  assert.deepEqual(rest, {
    name: 'all is well',
    problems: [],
    requests: 1,
    requestsOverLimit: 0,
    lost: 0,
    userOrderViolations: 0,
  })
})

test('everything that differs from the expectation is a problem of its own', async () => {
  const { problems } = await runScenario({
    name: 'nothing is as expected',
    async play(world) {
      await deliver(world)
      return {
        picture: pictureOf(world.inputs, { without: (_, { user }) => user === 'c-1' }),
        letters: [{ of: '0@0', says: /./ }],
        committed: [7, 7, 7, 7, 7, 7],
        answers: { 201: 2 },
      }
    },
  })
  assert.deepEqual(
    problems.map(problem => problem.split(':')[0]),
    ['at Braze', 'committed', 'dead letters', 'answers'],
  )
})

test('an event that was dropped in silence is lost, and one request too many is over the limit', async () => {
  const { problems, lost, requestsOverLimit } = await runScenario({
    name: 'lost and over the limit',
    world: { simulator: { burstRequests: 1 }, lingerMs: 0 },
    async play(world) {
      await world.fault({ broken: 'content-type', applied: false, times: 1 })
      await world.start()
      world.put(wishlisted('c-1', 1))
      await world.finish()
      world.put(wishlisted('c-2', 1))
      await world.finish()
      return {}
    },
  })
  assert.equal(lost, 1)
  assert.ok(requestsOverLimit > 0, 'the second request came within the same three seconds')
  assert.deepEqual(
    problems.map(problem => problem.split(':')[0]),
    ['at Braze', `requestsOverLimit is ${requestsOverLimit}`, 'lost is 1'],
  )
})
