import assert from 'node:assert/strict'
import { test } from 'node:test'
import { untilDelivered, type DeliveryEnd, type Observation } from '../../demo/delivery.ts'

const delivered: Observation = {
  published: 10,
  processed: 10,
  marketingEvents: 8,
  delivered: 8,
  lag: 0,
  brazeEvents: 8,
}

/** Each look takes a second; the last observation stays. */
async function watch(observations: readonly Observation[]): Promise<{ end: DeliveryEnd; looks: number }> {
  let looks = 0
  const end = await untilDelivered({
    observe: () => Promise.resolve(observations[Math.min(looks++, observations.length - 1)]!),
    records: 10,
    brazeEvents: 8,
    onObservation: () => {},
    signal: new AbortController().signal,
    pollMs: 0,
    now: () => looks * 1_000,
  })
  return { end, looks }
}

const unfinished: readonly [what: string, observation: Observation][] = [
  ['something is still to be published', { ...delivered, published: 9 }],
  ['something is not committed', { ...delivered, delivered: 7, lag: 1 }],
  ['something has not arrived', { ...delivered, brazeEvents: 7 }],
]
for (const [what, observation] of unfinished) {
  test(`while ${what} it goes on`, async () => {
    const { end, looks } = await watch([observation, delivered])
    assert.deepEqual(
      { end, looks },
      { end: { isDelivered: true, last: delivered, movedAt: 2_000 }, looks: 2 },
    )
  })

  test(`when ${what} and nothing moves for 30 s it gives up`, async () => {
    const { end, looks } = await watch([{ ...observation, processed: 1 }, observation])
    assert.equal(looks, 32)
    assert.deepEqual(end, { isDelivered: false, last: observation, movedAt: 2_000 })
  })
}

test('more in Braze than expected ends it too: the comparison names what is there twice', async () => {
  const { end } = await watch([{ ...delivered, brazeEvents: 9 }])
  assert.equal(end.isDelivered, true)
})

test('a watch that is not wanted any more ends', async () => {
  const stopped = new AbortController()
  const watching = untilDelivered({
    observe: () => Promise.resolve({ ...delivered, lag: 1 }),
    records: 10,
    brazeEvents: 8,
    onObservation: () => stopped.abort(),
    signal: stopped.signal,
  })
  await assert.rejects(watching, { name: 'AbortError' })
})
