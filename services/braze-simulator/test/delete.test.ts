import assert from 'node:assert/strict'
import { test } from 'node:test'
import { event, rig } from './harness.ts'

const users = (count: number): string[] => Array.from({ length: count }, (_, n) => `u-${n}`)

test('deleted users are gone, whatever identifier they are named by', async t => {
  const it = rig(t)
  const alias = { alias_name: 'n', alias_label: 'l' }
  const { external_id: _, ...nobody } = event('')
  await it.track({
    attributes: [{ external_id: 'a', city: 'Lisbon' }],
    events: [event('a'), event('b'), { ...nobody, user_alias: alias, _update_existing_only: false }],
  })
  const answer = await it.post('/users/delete', { external_ids: ['a'] })
  assert.deepEqual([answer.status, answer.body], [201, { deleted: 1, message: 'success' }])
  assert.equal(it.simulator.state.user('a'), undefined)
  assert.equal((await it.summary()).users, 2)
  await it.post('/users/delete', { user_aliases: [alias] })
  const { users: left, deletions } = await it.summary()
  assert.equal(left, 1)
  assert.deepEqual(deletions, { byStatus: { 201: 2 }, deleted: 2 })
  assert.equal(it.simulator.state.events().length, 3, 'what happened stays')
})

test('fifty users of one kind at a time', async t => {
  const it = rig(t)
  const status = async (body: object): Promise<number> => (await it.post('/users/delete', body)).status
  assert.equal(await status({ external_ids: users(50) }), 201)
  assert.equal(await status({ external_ids: users(51) }), 400)
  assert.equal(await status({ external_ids: ['a'], braze_ids: ['b'] }), 400)
  assert.equal(await status({ external_ids: [] }), 400)
  assert.equal(await status({}), 400)
})

test('the limit is one of its own, per minute, and its headers are the general ones', async t => {
  const it = rig(t, {
    burstRequests: 1,
    deleteRequestsPerMinute: 2,
    rateLimitHeaders: 'mau',
    hourlyRequests: 9,
  })
  const body = { external_ids: ['a'] }
  assert.equal((await it.track({ events: [event('a')] })).status, 201)
  const first = await it.post('/users/delete', body)
  assert.deepEqual(
    [first.status, first.headers['x-ratelimit-limit'], first.headers['x-ratelimit-remaining']],
    [201, '2', '1'],
  )
  assert.equal((await it.post('/users/delete', body)).status, 201)
  const third = await it.post('/users/delete', body)
  assert.deepEqual([third.status, third.headers['x-ratelimit-remaining']], [429, '0'])
  it.clock.advance(59_999)
  assert.equal((await it.post('/users/delete', body)).status, 429)
  it.clock.advance(1)
  assert.equal((await it.post('/users/delete', body)).status, 201)
})

test('a wrong key, a slash at the end and a fault of this endpoint are met like on the other one', async t => {
  const it = rig(t)
  const body = { external_ids: ['a'] }
  assert.equal((await it.post('/users/delete', body, { authorization: 'Bearer other' })).status, 401)
  assert.equal((await it.post('/users/delete/', body)).status, 403)
  await it.fault({ status: 503, endpoint: 'delete', externalIds: ['a'], times: 1 })
  assert.equal((await it.track({ events: [event('a')] })).status, 201)
  assert.equal((await it.post('/users/delete', { external_ids: ['b'] })).status, 201)
  assert.equal((await it.post('/users/delete', body)).status, 503)
  assert.notEqual(it.simulator.state.user('a'), undefined)
})
