import assert from 'node:assert/strict'
import { test } from 'node:test'
import { event, rig } from './harness.ts'

const sent = {
  attributes: [{ external_id: 'a', city: 'Lisbon' }],
  events: [event('a', 'paid'), event('b', 'booked'), event('c', 'paid')],
}

test('events of a name, and what stands at an index, can be refused', async t => {
  const it = rig(t)
  await it.fault({ rejectName: 'paid', type: 'no such event', times: 1 })
  await it.fault({ rejectIndex: 0, array: 'attributes', times: 1 })
  await it.fault({ rejectIndex: 1, times: 1 })
  const { status, body } = await it.track({
    ...sent,
    purchases: [],
    events: [...sent.events, event('d', 'viewed')],
  })
  assert.equal(status, 201)
  assert.deepEqual(body.errors, [
    { type: "This object of 'attributes' is not valid", input_array: 'attributes', index: 0 },
    { type: 'no such event', input_array: 'events', index: 0 },
    { type: "This object of 'events' is not valid", input_array: 'events', index: 1 },
    { type: 'no such event', input_array: 'events', index: 2 },
  ])
  assert.deepEqual(
    it.simulator.state.events().map(({ name }) => name),
    ['viewed'],
  )
  assert.deepEqual((await it.summary()).objects.refusedByRule, { fault: 4 })
  assert.equal((await it.track(sent)).body.errors, undefined)
})

test('an error can come without its place', async t => {
  const it = rig(t)
  await it.fault({ rejectExternalId: 'b', unlocated: true })
  const { body } = await it.track(sent)
  assert.deepEqual(body.errors, [{ type: 'provided external_id is blacklisted and disallowed' }])
  assert.equal(it.simulator.state.events().length, 2)
})

test('one refused object can refuse the whole request, which then names it', async t => {
  const it = rig(t)
  await it.fault({ rejectName: 'booked', whole: true })
  const { status, body } = await it.track(sent)
  assert.equal(status, 400)
  assert.deepEqual(body.errors, [
    { type: "This object of 'events' is not valid", input_array: 'events', index: 1 },
  ])
  assert.equal(it.simulator.state.events().length, 0)
  assert.equal(it.simulator.state.user('a'), undefined)
  assert.equal((await it.track({ events: [event('a', 'paid')] })).status, 201)
})

test('one poison object makes every request that holds it fail, and nothing says which', async t => {
  const it = rig(t)
  await it.fault({ status: 400, externalIds: ['a'], names: ['paid'] })
  const { status, body } = await it.track(sent)
  assert.deepEqual([status, body], [400, { message: 'Bad Request' }])
  // The user's other objects, and the event of another user, are no poison.
  assert.equal((await it.track({ ...sent, events: sent.events.slice(1) })).status, 201)
  assert.equal((await it.track({ events: [event('a', 'paid')] })).status, 400)
})
