import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeliveryOutcome } from '@tributary/topology'
import type { BrazeMemory } from '../src/memory.ts'
import {
  brazeAttributes,
  brazeEvent,
  brazeLaneKey,
  brazePurchase,
  brazeTombstone,
  type BrazeObject,
} from '../src/objects.ts'
import { event, kindsOf, withSimulator } from './harness.ts'
import { CALL, createWorld, itemOf, type World } from './shaping-world.ts'

const TIME = '2026-03-01T10:00:00Z'
const user = (fields: Readonly<Record<string, unknown>>, externalId = 'u1'): BrazeObject =>
  brazeAttributes({ external_id: externalId, ...fields })

/** A step that remembers, as far as it concerns a destination. */
class Step {
  readonly memories = new Map<string, BrazeMemory>()
  readonly #destination: World['destination']
  #offset = 0

  constructor(destination: World['destination']) {
    this.#destination = destination
  }

  async deliver(...objects: readonly BrazeObject[]): Promise<readonly DeliveryOutcome<BrazeMemory>[]> {
    const items = objects.map(object => itemOf(object, (this.#offset += 1), this.memories))
    const outcomes = await this.#destination.deliver(items, CALL)
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.kind !== 'accepted' || outcome.memory === undefined) continue
      const lane = brazeLaneKey(objects[index] as BrazeObject)
      if (outcome.memory === null) this.memories.delete(lane)
      else this.memories.set(lane, outcome.memory)
    }
    return outcomes
  }
}

function createStep(options: Parameters<typeof createWorld>[0] = {}): World & { readonly step: Step } {
  const world = createWorld(options)
  return { ...world, step: new Step(world.destination) }
}

test('several updates of one user are one object, and each is accepted', async () => {
  const { sender, destination, step } = createStep()
  const outcomes = await step.deliver(
    user({ city: 'Oslo', visits: { inc: 1 }, tags: { add: ['a'] }, level: 3 }),
    user({ city: 'Rome' }, 'u2'),
    user({ city: null, visits: { inc: 2 }, tags: { add: ['b'] }, level: { inc: 2 } }),
    event('u1'),
  )
  assert.deepEqual(kindsOf(outcomes), ['accepted', 'accepted', 'accepted', 'accepted'])
  assert.equal(sender.requests.length, 1)
  assert.deepEqual(sender.requests[0]?.attributes, [
    { external_id: 'u1', city: null, visits: { inc: 3 }, tags: { add: ['a', 'b'] }, level: 5 },
    { external_id: 'u2', city: 'Rome' },
  ])
  assert.equal(destination.stats.shaping.folded, 1)
  assert.equal(destination.stats.accepted, 4)
})

test('what may join a batch: updates merge, events count, updates behind an event and what does not fold wait', () => {
  const { destination } = createWorld()
  const set = user({ city: 'Oslo' })
  const purchase = brazePurchase({
    external_id: 'u1',
    product_id: 'p',
    currency: 'EUR',
    price: 1,
    time: TIME,
  })
  const happened = event('u1')
  const cases: [BrazeObject, BrazeObject[], string][] = [
    [user({ city: 'Rome' }), [set], 'merges'],
    [user({ other: 1 }), [set, user({ city: 'Rome' })], 'merges'],
    [happened, [set], 'counts'],
    [purchase, [set, happened], 'counts'],
    [happened, [happened], 'counts'],
    [set, [happened], 'waits'],
    [user({ city: 1 }), [set, purchase], 'waits'],
    [user({ city: { inc: 1 } }), [set], 'waits'],
    [user({ trip: { to: 'x' }, _merge_objects: true }), [set], 'waits'],
    [user({ stops: { $add: [{ id: 1 }] } }), [user({ stops: [{ id: 0 }] })], 'waits'],
    [user({ stops: [{ id: 0 }] }), [user({ stops: { $add: [{ id: 1 }] } })], 'merges'],
    [user({ city: 'Rome', _update_existing_only: true }), [set], 'waits'],
    // It will be rejected, whatever goes with it.
    [user({ city: { to: null } }), [happened], 'counts'],
    [brazeTombstone({ external_id: 'u1' }), [set], 'merges'],
  ]
  for (const [value, before, expected] of cases) {
    assert.equal(destination.joins(value, before), expected, JSON.stringify([value, before]))
    // Asked again, or after questions about another lane, it is the same.
    assert.equal(destination.joins(event('u9'), [event('u9')]), 'counts')
    assert.equal(destination.joins(value, before), expected)
  }
})

test('what Braze has already takes no place in a batch, until something of its user does', async () => {
  const { destination, step } = createStep()
  await step.deliver(user({ city: 'Oslo', plan: 'gold' }))
  const memory = step.memories.get('external_id:u1') as BrazeMemory
  assert.equal(destination.joins(user({ city: 'Oslo' }), []), 'counts', 'nothing is remembered')
  assert.equal(destination.joins(user({ city: 'Oslo' }), [], memory), 'merges')
  const same = user({ city: 'Oslo' })
  const gold = user({ plan: 'gold' })
  const rome = user({ city: 'Rome' })
  const back = user({ city: 'Oslo' })
  assert.equal(destination.joins(same, [], memory), 'merges')
  assert.equal(destination.joins(gold, [same], memory), 'merges')
  assert.equal(destination.joins(rome, [same, gold], memory), 'counts')
  assert.equal(destination.joins(back, [same, gold, rome], memory), 'merges', 'folded into what has a place')
  assert.equal(destination.joins(event('u1'), [same], memory), 'counts')
  // Without having been asked of those before.
  assert.equal(
    destination.joins(user({ city: 'Bonn' }), [user({ city: 'Oslo' }), user({ plan: 'gold' })], memory),
    'counts',
  )
  const off = createWorld({ suppressUnchanged: false }).destination
  assert.equal(off.joins(user({ city: 'Oslo' }), [], memory), 'counts')
})

for (const tombstones of ['null-attributes', 'delete-user'] as const) {
  test(`with the policy ${tombstones} a tombstone is alone in its user's part of a batch`, () => {
    const { destination } = createWorld({ tombstones })
    const tombstone = brazeTombstone({ external_id: 'u1' })
    assert.equal(destination.joins(tombstone, [user({ city: 'Oslo' })]), 'waits')
    assert.equal(destination.joins(tombstone, [event('u1')]), 'waits')
    assert.equal(destination.joins(event('u1'), [tombstone]), 'waits')
    assert.equal(destination.joins(user({ city: 'Oslo' }), [tombstone]), 'waits')
  })
}

test('a refused folded object rejects every record behind it, and each names them all', async t => {
  const { destination, fault } = await withSimulator(t)
  await fault({ rejectExternalId: 'u1', type: 'provided external_id is blacklisted' })
  const objects = [
    user({ city: 'Oslo' }),
    user({ city: 'Paris' }, 'u2'),
    user({ city: 'Rome' }),
    user({ zip: 1 }),
  ]
  const outcomes = await destination.deliver(
    objects.map((object, offset) => itemOf(object, offset + 7, undefined)),
    CALL,
  )
  assert.deepEqual(kindsOf(outcomes), ['rejected', 'accepted', 'rejected', 'rejected'])
  for (const outcome of outcomes) {
    if (outcome.kind !== 'rejected') continue
    assert.match(outcome.reason, /folded from 3 records: t-0@7, t-0@9, t-0@10\): .*blacklisted/)
  }
  assert.equal(destination.stats.refused, 3)
})

test('with a memory only what changed is sent, and nothing when nothing did', async () => {
  const { sender, destination, step } = createStep()
  const [first] = await step.deliver(
    user({ city: 'Oslo', zip: 1, gone: null, tags: ['a'], trip: { to: 'x' } }),
  )
  assert.ok(first?.kind === 'accepted' && first.memory)
  assert.deepEqual(
    await step.deliver(user({ city: 'Oslo', gone: null, tags: ['a'], trip: { to: 'x' } }), event('u1')),
    [{ kind: 'skipped', reason: 'unchanged' }, { kind: 'accepted' }],
  )
  await step.deliver(user({ city: 'Oslo', zip: 2 }))
  assert.deepEqual(sender.requests.slice(1), [
    { events: [event('u1').object] },
    { attributes: [{ external_id: 'u1', zip: 2 }] },
  ])
  // The text and the number are different values.
  await step.deliver(user({ zip: '2' }))
  assert.equal(sender.requests.length, 4)
  const { suppressedFields, suppressedObjects } = destination.stats.shaping
  assert.deepEqual({ suppressedFields, suppressedObjects }, { suppressedFields: 5, suppressedObjects: 1 })
})

test('what is saved is counted once, however often it is sent', async () => {
  const { sender, destination, step } = createStep()
  await step.deliver(user({ city: 'Oslo', zip: 1 }))
  sender.fates = ['fails', 'lost']
  const updates = [user({ city: 'Oslo', zip: 2 }), user({ zip: 3 })]
  for (let times = 0; times < 2; times += 1) await assert.rejects(step.deliver(...updates))
  await step.deliver(...updates)
  await step.deliver(user({ zip: 3 }), user({ city: 'Oslo' }))
  const { folded, suppressedFields, suppressedObjects } = destination.stats.shaping
  assert.deepEqual([folded, suppressedFields, suppressedObjects], [1, 3, 2])
})

test('what is remembered is no value', async () => {
  const { step } = createStep()
  await step.deliver(user({ city: 'Oslo', first_name: 'Ada' }))
  const [memory] = step.memories.values()
  assert.deepEqual(Object.keys(memory?.fields ?? {}), ['city', 'first_name'])
  assert.ok(Object.values(memory?.fields ?? {}).every(hash => Number.isSafeInteger(hash) && hash > 0))
  assert.doesNotMatch(JSON.stringify(memory), /Oslo|Ada/)
  await step.deliver(user({ city: 'Oslo' }, 'u2'))
  assert.notEqual(memory?.fields['city'], step.memories.get('external_id:u2')?.fields['city'])
})

test('nothing is remembered of what Braze did not take in', async () => {
  const { sender, step } = createStep()
  sender.fates = ['fails', 'lost']
  await assert.rejects(step.deliver(user({ city: 'Oslo' })), { code: 'BRAZE_TIMED_OUT' })
  await assert.rejects(step.deliver(user({ city: 'Oslo' })), { code: 'BRAZE_TIMED_OUT' })
  sender.refused.add('u1')
  assert.deepEqual(kindsOf(await step.deliver(user({ city: 'Oslo' }))), ['rejected'])
  assert.equal(step.memories.size, 0)
  sender.refused.clear()
  assert.deepEqual(kindsOf(await step.deliver(user({ city: 'Oslo' }))), ['accepted'])
})

test('operators are never suppressed, and the value that they leave is not known', async () => {
  const { sender, step } = createStep()
  await step.deliver(user({ n: 1, tags: ['a'] }))
  for (let times = 0; times < 2; times += 1) await step.deliver(user({ n: { inc: 1 }, tags: { add: ['b'] } }))
  await step.deliver(user({ n: 1, tags: ['a'] }))
  assert.equal(sender.requests.length, 4)
  assert.deepEqual(sender.braze.profiles.get('u1'), { n: 1, tags: ['a'] })
})

test('what users and Braze change themselves is sent every time', async () => {
  const { sender, step } = createStep()
  const update = user({ city: 'Oslo', email_subscribe: 'subscribed' })
  await step.deliver(update)
  await step.deliver(update)
  assert.deepEqual(sender.requests[1]?.attributes, [{ external_id: 'u1', email_subscribe: 'subscribed' }])
})

test('an email address beside another identifier is an attribute; alone it names the user and always goes along', async () => {
  const { sender, step } = createStep()
  await step.deliver(user({ email: 'ada@example.com', city: 'Oslo' }))
  await step.deliver(user({ email: 'ada@example.com', city: 'Rome' }))
  const byEmail = (city: string): BrazeObject => brazeAttributes({ email: 'bob@example.com', city })
  await step.deliver(byEmail('Oslo'))
  await step.deliver(byEmail('Rome'))
  assert.deepEqual(await step.deliver(byEmail('Rome')), [{ kind: 'skipped', reason: 'unchanged' }])
  assert.deepEqual(sender.requests[1]?.attributes, [{ external_id: 'u1', city: 'Rome' }])
  assert.deepEqual(sender.requests[3]?.attributes, [{ email: 'bob@example.com', city: 'Rome' }])
})

test('after fullRefreshAfterMs every attribute is sent again with its next update, and then no more', async () => {
  const { sender, clock, step } = createStep({ fullRefreshAfterMs: 1_000 })
  await step.deliver(user({ city: 'Oslo', zip: 1 }))
  await clock.advance(999)
  await step.deliver(user({ city: 'Oslo' }))
  assert.equal(sender.requests.length, 1)
  await clock.advance(1)
  await step.deliver(user({ city: 'Oslo' }))
  await step.deliver(user({ zip: 1 }))
  await step.deliver(user({ city: 'Oslo', zip: 1 }))
  assert.deepEqual(
    sender.requests.slice(1).map(({ attributes }) => attributes?.[0]),
    [
      { external_id: 'u1', city: 'Oslo' },
      { external_id: 'u1', zip: 1 },
    ],
  )
})

test('without suppression, and in a step without a memory, everything is sent and nothing remembered', async () => {
  const off = createStep({ suppressUnchanged: false })
  const update = user({ city: 'Oslo' })
  assert.deepEqual(await off.step.deliver(update), [{ kind: 'accepted' }])
  assert.deepEqual(await off.step.deliver(update), [{ kind: 'accepted' }])
  const { destination, sender } = createWorld()
  for (const offset of [1, 2]) {
    assert.deepEqual(await destination.deliver([itemOf(update, offset, undefined)], CALL), [
      { kind: 'accepted' },
    ])
  }
  assert.equal(off.sender.requests.length + sender.requests.length, 4)
})

test('an update that Braze may have ignored is not remembered', async () => {
  const { sender, step } = createStep()
  await step.deliver(user({ city: 'Oslo', _update_existing_only: true }))
  assert.equal(step.memories.size, 0)
  await step.deliver(user({ city: 'Oslo' }))
  assert.deepEqual(sender.braze.profiles.get('u1'), { city: 'Oslo' })
  assert.deepEqual(kindsOf(await step.deliver(user({ city: 'Oslo', _update_existing_only: true }))), [
    'skipped',
  ])
})

test('names lose their outer spaces, as Braze does it, before they are folded', async () => {
  const { sender, step } = createStep()
  await step.deliver(user({ city: 'Oslo' }), user({ ' city ': 'Rome' }))
  assert.deepEqual(sender.requests[0]?.attributes, [{ external_id: 'u1', city: 'Rome' }])
})

test('a tombstone is ignored by default', async () => {
  const { sender, destination, step } = createStep()
  await step.deliver(user({ city: 'Oslo' }))
  const outcomes = await step.deliver(event('u1'), brazeTombstone({ external_id: 'u1' }), event('u1'))
  assert.deepEqual(kindsOf(outcomes), ['accepted', 'skipped', 'accepted'])
  assert.equal(sender.requests.length, 2)
  assert.equal(destination.stats.shaping.tombstones.ignored, 1)
})

test('a tombstone nulls what is remembered, and the user is forgotten', async () => {
  const { sender, destination, step } = createStep({ tombstones: 'null-attributes' })
  const tombstone = brazeTombstone({ external_id: 'u1' })
  await step.deliver(user({ city: 'Oslo', gone: null, n: { inc: 1 } }))
  // The event goes first and finds what was there; the update after it is nulled as well.
  const outcomes = await step.deliver(event('u1'), user({ zip: 1 }), tombstone)
  assert.deepEqual(kindsOf(outcomes), ['accepted', 'accepted', 'accepted'])
  assert.deepEqual(sender.requests.at(-1), {
    attributes: [{ city: null, n: null, zip: null, external_id: 'u1', _update_existing_only: true }],
  })
  assert.deepEqual(sender.braze.profiles.get('u1'), {})
  assert.equal(step.memories.size, 0)
  assert.deepEqual(await step.deliver(tombstone), [{ kind: 'skipped', reason: 'tombstone' }])
  assert.equal(destination.stats.shaping.tombstones.nulled, 1)
})

test('a tombstone deletes the user where that is wanted, behind what came before', async t => {
  const { simulator, destination } = await withSimulator(t, {}, { tombstones: 'delete-user' })
  const step = new Step(destination as World['destination'])
  await step.deliver(user({ city: 'Oslo' }), user({ city: 'Oslo' }, 'u2'))
  const outcomes = await step.deliver(
    event('u1'),
    brazeTombstone({ external_id: 'u1' }),
    brazeTombstone({ email: 'ada@example.com' }),
  )
  assert.deepEqual(outcomes[1], { kind: 'accepted', memory: null })
  assert.match(JSON.stringify(outcomes[2]), /only users with an external_id can be deleted/)
  assert.equal(simulator.state.user('u1'), undefined)
  assert.ok(simulator.state.user('u2'))
  assert.deepEqual([...step.memories.keys()], ['external_id:u2'])
  await step.deliver(user({ city: 'Oslo' }))
  assert.deepEqual(simulator.state.user('u1')?.attributes, { city: 'Oslo' })
  assert.equal(destination.stats.shaping.tombstones.deleted, 1)
})

test('a lost answer to a deletion repeats it', async () => {
  const { sender, step } = createStep({ tombstones: 'delete-user' })
  await step.deliver(user({ city: 'Oslo' }))
  sender.fates = ['lost']
  await assert.rejects(step.deliver(brazeTombstone({ external_id: 'u1' })), { code: 'BRAZE_TIMED_OUT' })
  assert.equal(step.memories.size, 1)
  assert.deepEqual(kindsOf(await step.deliver(brazeTombstone({ external_id: 'u1' }))), ['accepted'])
  assert.equal(step.memories.size, 0)
})

test('what changes something each time it arrives is counted, and said once for each kind', async () => {
  const warnings: object[] = []
  const logger = { warn: (facts: object) => warnings.push(facts), error: () => 0 }
  const { destination, step } = createStep({ logger })
  const cart = (action: string): BrazeObject =>
    brazeEvent({ external_id: 'u1', name: 'ecommerce.cart_updated', time: TIME, properties: { action } })
  await step.deliver(
    user({ n: { inc: 1 } }),
    user({ m: 1 }, 'u2'),
    cart('add'),
    cart('remove'),
    cart('replace'),
  )
  await step.deliver(user({ n: { inc: 1 } }))
  assert.deepEqual(destination.stats.shaping.notIdempotent, { increment: 2, 'cart-delta': 2 })
  assert.deepEqual(warnings, [{ kind: 'increment' }, { kind: 'cart-delta' }])
})

test('a legacy contract takes 75 of each kind in one request', async t => {
  const { simulator, destination } = await withSimulator(
    t,
    { objectLimit: 'per-array' },
    { objectLimit: 'per-array' },
  )
  const objects = Array.from({ length: 80 }, (_, i) => [
    user({ city: 'Oslo' }, `u${i}`),
    event(`u${i}`),
    brazePurchase({ external_id: `u${i}`, product_id: 'p', currency: 'EUR', price: 1, time: TIME }),
  ]).flat()
  const outcomes = await destination.deliver(
    objects.map((object, offset) => itemOf(object, offset, undefined)),
    CALL,
  )
  assert.ok(outcomes.every(({ kind }) => kind === 'accepted'))
  assert.deepEqual(
    simulator.state.requests().map(({ objects: of }) => of),
    [
      { attributes: 75, events: 75, purchases: 75 },
      { attributes: 5, events: 5, purchases: 5 },
    ],
  )
})

test('nothing that was asked for in a record makes a request address more than its user', async () => {
  const { sender, step } = createStep()
  await step.deliver(user({ broadcast: true }), event('u1', { broadcast: 'true' }))
  for (const request of sender.requests) {
    assert.ok(Object.keys(request).every(name => ['attributes', 'events', 'purchases'].includes(name)))
  }
})
