import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { TestClock } from '@tributary/topology/testing'
import { resolveOptions, type BrazeDestinationOptions } from '../src/options.ts'
import { BrazeCounters } from '../src/stats.ts'
import { TrackSender } from '../src/track-sender.ts'
import { answer, API_KEY, serve, type Body } from './harness.ts'
import { NEVER } from './limiter-harness.ts'

const CALL = { signal: NEVER, isUrgent: true }

type Ids = readonly string[]

async function senderTo(
  t: TestContext,
  handle: (ids: Ids, path: string) => { readonly status: number; readonly body?: unknown },
  options: Partial<BrazeDestinationOptions> = {},
): Promise<{ readonly sender: TrackSender; readonly seen: Ids[] }> {
  const seen: Ids[] = []
  const url = await serve(t, (body, response, request) => {
    const { external_ids: ids } = body as Body & { readonly external_ids: Ids }
    seen.push(ids)
    const { status, body: said } = handle(ids, request.url ?? '')
    answer(response, status, said)
  })
  const sender = new TrackSender(resolveOptions({ url, apiKey: API_KEY, ...options }), new BrazeCounters())
  t.after(() => sender.close())
  return { sender, seen }
}

test('users are deleted fifty in a request', async t => {
  const paths = new Set<string>()
  const { sender, seen } = await senderTo(t, (ids, path) => {
    paths.add(path)
    return { status: 201, body: { deleted: ids.length } }
  })
  const ids = Array.from({ length: 120 }, (_, i) => `u${i}`)
  assert.equal((await sender.deleteUsers(ids, CALL)).size, 0)
  assert.deepEqual(
    seen.map(({ length }) => length),
    [50, 50, 20],
  )
  assert.deepEqual(seen.flat(), ids)
  assert.deepEqual([...paths], ['/users/delete'])
  assert.deepEqual(sender.stats.deletes.answers, { 201: 3 })
  assert.equal(sender.stats.deletes.limiter.used, 3)
  assert.equal(sender.stats.limiter.used, 0, 'it is a limit of its own')
})

test('a user whom Braze refuses to delete is found by halving, and the others are deleted', async t => {
  const { sender } = await senderTo(t, ids =>
    ids.includes('u7')
      ? { status: 400, body: { message: 'malformed' } }
      : { status: 201, body: { deleted: ids.length, message: 'success' } },
  )
  const refused = await sender.deleteUsers(
    Array.from({ length: 20 }, (_, i) => `u${i}`),
    CALL,
  )
  assert.deepEqual([...refused], [['u7', { reason: 'status 400: malformed', status: 400 }]])
})

test('a page of another server deletes nobody', async t => {
  const { sender } = await senderTo(t, () => ({ status: 200, body: '<html></html>' }))
  await assert.rejects(sender.deleteUsers(['u1'], CALL), { code: 'BRAZE_ANSWER_INVALID' })
})

test('a missing permission to delete is a problem of its own and is tried again', async t => {
  let isPermitted = false
  const clock = new TestClock()
  const { sender } = await senderTo(
    t,
    () => (isPermitted ? { status: 201, body: { deleted: 1 } } : { status: 401, body: { message: 'no' } }),
    { clock },
  )
  await assert.rejects(sender.deleteUsers(['u1'], CALL), { code: 'BRAZE_UNAUTHORIZED' })
  assert.match(sender.problem ?? '', /^\/users\/delete: shut out/)
  let isReady = false
  void sender.whenReady(CALL).then(() => (isReady = true))
  await clock.advance(0)
  assert.equal(isReady, true, 'objects go on')
  await clock.advance(5_000)
  isPermitted = true
  await sender.deleteUsers(['u1'], CALL)
  assert.equal(sender.problem, undefined)
})

test('the limit on deletions is shared by partitions, over a minute', async t => {
  const clock = new TestClock()
  const { sender, seen } = await senderTo(t, () => ({ status: 201, body: { deleted: 1 } }), {
    clock,
    limits: { maxDeletesPerMinute: 4 },
    requestTimeoutMs: 1_000,
  })
  sender.onAssignment({ partitions: [0], partitionCount: 2 })
  assert.equal(sender.stats.deletes.limiter.quota, 0)
  await clock.advance(61_000)
  assert.equal(sender.stats.deletes.limiter.quota, 2)
  await sender.deleteUsers(['u1'], CALL)
  await sender.deleteUsers(['u2'], CALL)
  const third = sender.deleteUsers(['u3'], CALL)
  await clock.advance(59_999)
  assert.equal(seen.length, 2)
  await clock.advance(1)
  await third
  assert.equal(seen.length, 3)
})

for (const [handoverMs, expectedMs] of [
  [undefined, 60_000],
  [5_000, 60_000],
  [0, 0],
] as const) {
  test(`a handover of ${handoverMs ?? 'no given'} ms for objects makes one of ${expectedMs} ms for deletions`, async t => {
    const clock = new TestClock()
    const { sender } = await senderTo(t, () => ({ status: 201, body: { deleted: 1 } }), {
      clock,
      limits: { maxDeletesPerMinute: 4_000, handoverMs },
      requestTimeoutMs: 1_000,
    })
    sender.onAssignment({ partitions: [0], partitionCount: 2 })
    if (expectedMs > 0) {
      await clock.advance(expectedMs - 1)
      assert.equal(sender.stats.deletes.limiter.quota, 0)
      await clock.advance(1)
    }
    assert.equal(sender.stats.deletes.limiter.quota, 2_000)
  })
}
