import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  brazeAttributes,
  brazeDryRun,
  brazeEvent,
  brazeTombstone,
  type BrazeObject,
  type ComposedRequest,
  type DryRunOptions,
} from '@tributary/sink-braze'
import type { RecordContext } from '@tributary/topology'

const TIME = '2026-06-01T10:00:00Z'

async function run(values: readonly BrazeObject[], options: Partial<DryRunOptions> = {}) {
  const requests: ComposedRequest[] = []
  const destination = brazeDryRun(
    { url: 'https://rest.fra-01.braze.eu/', ...options },
    request => void requests.push(request),
  )
  const items = values.map((value, offset) => {
    const context: RecordContext = { topic: 't', partition: 3, offset, timestampMs: 0, headers: [] }
    return { key: null, value, context, attempts: 0 }
  })
  const call = { signal: new AbortController().signal, isUrgent: false }
  await destination.whenReady(call)
  const outcomes = await destination.deliver(items, call)
  return { requests, outcomes, destination }
}

const offsets = ({ records }: ComposedRequest) =>
  Object.fromEntries(
    Object.entries(records).map(([array, objects]) => [
      array,
      objects.map(contexts => contexts.map(({ offset }) => offset)),
    ]),
  )

test('a request is handed over as it would be sent, with the records behind each object', async () => {
  const { requests, outcomes } = await run([
    brazeAttributes({ external_id: 'a', city: 'Paris' }),
    brazeAttributes({ external_id: 'a', city: 'Rome', plan: 'gold' }),
    brazeEvent({ external_id: 'a', name: 'booked', time: TIME }),
    brazeAttributes({ external_id: 'b', city: 'Köln' }),
  ])
  assert.equal(requests.length, 1)
  const [request] = requests as [ComposedRequest]
  assert.equal(request.endpoint, 'https://rest.fra-01.braze.eu/users/track')
  assert.deepEqual(JSON.parse(request.body), {
    attributes: [
      { external_id: 'a', city: 'Rome', plan: 'gold' },
      { external_id: 'b', city: 'Köln' },
    ],
    events: [{ external_id: 'a', name: 'booked', time: TIME }],
  })
  assert.equal(request.bytes, Buffer.byteLength(request.body))
  assert.equal(request.objects, 3)
  assert.deepEqual(offsets(request), { attributes: [[0, 1], [3]], events: [[2]] })
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ['accepted', 'accepted', 'accepted', 'accepted'],
  )
})

test('rules, policies and limits are the destination’s', async () => {
  const long = 'x'.repeat(300)
  const { requests, outcomes } = await run(
    [
      brazeEvent({ external_id: 'a', name: 'booked', time: TIME, properties: { city: long } }),
      brazeEvent({ external_id: 'a', name: 'booked', time: 'yesterday' }),
      brazeEvent({ external_id: 'b', name: 'booked', time: TIME }),
    ],
    { rules: { 'property-text-length': 'truncate' }, maxObjectsPerRequest: 1 },
  )
  assert.equal(requests.length, 2)
  assert.equal(JSON.parse(requests[0]!.body).events[0].properties.city.length, 255)
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ['accepted', 'rejected', 'accepted'],
  )
})

test('a deletion is shown and not made, and there is no key that could be shown', async () => {
  const { requests, destination } = await run(
    [brazeTombstone({ external_id: 'a' }), brazeTombstone({ external_id: 'b' })],
    { tombstones: 'delete-user' },
  )
  assert.equal(requests[0]?.endpoint, 'https://rest.fra-01.braze.eu/users/delete')
  assert.deepEqual(JSON.parse(requests[0].body), { external_ids: ['a', 'b'] })
  assert.deepEqual(offsets(requests[0]), { external_ids: [[0], [1]] })
  assert.equal(destination.stats.shaping.tombstones.deleted, 2)
  assert.deepEqual(destination.stats.answers, {})
  assert.equal(destination.problem(), undefined)
  await destination.close()
})

test('who takes requests slowly gets no more than they take', async () => {
  const taken = Promise.withResolvers<void>()
  let handedOver = 0
  const destination = brazeDryRun({ url: 'https://rest.fra-01.braze.eu', maxObjectsPerRequest: 1 }, () => {
    handedOver += 1
    return taken.promise
  })
  const context: RecordContext = { topic: 't', partition: 0, offset: 0, timestampMs: 0, headers: [] }
  const items = ['a', 'b'].map(id => {
    const value = brazeEvent({ external_id: id, name: 'booked', time: TIME })
    return { key: null, value, context, attempts: 0 }
  })
  const delivering = destination.deliver(items, { signal: new AbortController().signal, isUrgent: false })
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(handedOver, 1)
  taken.resolve()
  await delivering
  assert.equal(handedOver, 2)
})

test('its options are checked as those of the destination', () => {
  assert.throws(() => brazeDryRun({ url: 'ftp://braze' }, () => {}), { code: 'BRAZE_OPTION_INVALID' })
})
