import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { BrazeMemory } from '../src/memory.ts'
import { brazeAttributes, brazeEvent, brazeLaneKey, brazePurchase, type BrazeObject } from '../src/objects.ts'
import { oracleAsync } from '../../../test-support/oracle.ts'
import { kindsOf } from './harness.ts'
import { CALL, createWorld, itemOf, type Fate } from './shaping-world.ts'

const TIME = '2026-03-01T10:00:00Z'

const happened = (id: string | undefined, externalId = 'u1'): BrazeObject =>
  brazeEvent({
    external_id: externalId,
    name: 'booked',
    time: TIME,
    properties: id === undefined ? {} : { event_id: id },
  })

const lives = (city: string): BrazeObject => brazeAttributes({ external_id: 'u1', city })

/** A step whose memory outlives what it was told. */
function createStep(options: Parameters<typeof createWorld>[0] = {}) {
  const { sender, destination } = createWorld({ rememberedEvents: 3, ...options })
  const memories = new Map<string, BrazeMemory>()
  const deliver = async (...objects: readonly BrazeObject[]) => {
    const items = objects.map((object, offset) => itemOf(object, offset, memories))
    const outcomes = await destination.deliver(items, CALL)
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.kind !== 'accepted' || outcome.memory === undefined) continue
      const lane = brazeLaneKey(objects[index] as BrazeObject)
      if (outcome.memory === null) memories.delete(lane)
      else memories.set(lane, outcome.memory)
    }
    return outcomes
  }
  return { sender, destination, memories, deliver }
}

test('an event that Braze took in is not sent again, of the same user', async () => {
  const { sender, destination, deliver } = createStep()
  await deliver(happened('a'), happened(undefined))
  const outcomes = await deliver(happened('a'), happened('b'), happened(undefined), happened('a', 'u2'))
  assert.deepEqual(kindsOf(outcomes), ['skipped', 'accepted', 'accepted', 'accepted'])
  assert.deepEqual(outcomes[0], { kind: 'skipped', reason: 'sent-before' })
  assert.equal(sender.requests.at(-1)?.events?.length, 3)
  assert.equal(destination.stats.shaping.repeatedEvents, 1)
})

test('so it is with a purchase, and an event of its id is another', async () => {
  const { deliver } = createStep()
  const bought = brazePurchase({
    external_id: 'u1',
    product_id: 'p',
    currency: 'EUR',
    price: 1,
    time: TIME,
    properties: { event_id: 7 },
  })
  assert.deepEqual(kindsOf(await deliver(bought)), ['accepted'])
  assert.deepEqual(kindsOf(await deliver(bought, happened('7'))), ['skipped', 'accepted'])
})

test('of more events than are to be remembered the oldest are forgotten', async () => {
  const { deliver } = createStep()
  await deliver(...['a', 'b', 'c', 'd'].map(id => happened(id)))
  const outcomes = await deliver(...['a', 'b', 'c', 'd'].map(id => happened(id)))
  assert.deepEqual(kindsOf(outcomes), ['accepted', 'skipped', 'skipped', 'skipped'])
})

test('what Braze refuses, or does not answer, is not remembered', async () => {
  const { sender, memories, deliver } = createStep()
  sender.fates = ['lost']
  await assert.rejects(deliver(happened('a')), { code: 'BRAZE_TIMED_OUT' })
  sender.refused.add('u1')
  assert.deepEqual(kindsOf(await deliver(happened('a'))), ['rejected'])
  assert.equal(memories.size, 0)
})

test('events and attributes are remembered side by side, and events alone say nothing of attributes', async () => {
  const { memories, deliver } = createStep()
  await deliver(happened('a'))
  const updateOnly = brazeAttributes({ external_id: 'u1', city: 'Rome', _update_existing_only: true })
  assert.deepEqual(kindsOf(await deliver(updateOnly)), ['accepted'])
  assert.equal(memories.get('external_id:u1')?.refreshedAt, 0, 'the event may have made no profile')
  await deliver(lives('Rome'), happened('b'))
  await deliver(lives('Oslo'))
  const outcomes = await deliver(lives('Oslo'), happened('a'), happened('b'), lives('Rome'))
  assert.deepEqual(kindsOf(outcomes), ['accepted', 'skipped', 'skipped', 'accepted'])
  assert.deepEqual(kindsOf(await deliver(lives('Rome'))), ['skipped'])
})

test('an event that was sent before takes no place in a batch', async () => {
  const joined = async (rememberedEvents: number) => {
    const { destination, deliver, memories } = createStep({ rememberedEvents })
    await deliver(happened('a'))
    const known = memories.get('external_id:u1')
    return [destination.joins(happened('a'), [], known), destination.joins(happened('b'), [], known)]
  }
  assert.deepEqual(await joined(3), ['merges', 'counts'])
  assert.deepEqual(await joined(0), ['counts', 'counts'])
})

test('without the option, or without a memory, every event is sent and none remembered', async () => {
  const off = createStep({ rememberedEvents: 0 })
  await off.deliver(happened('a'))
  assert.equal(off.memories.size, 0)
  const { destination } = createStep()
  for (let time = 0; time < 2; time += 1) {
    const [outcome] = await destination.deliver([itemOf(happened('a'), 0, undefined)], CALL)
    assert.deepEqual(outcome, { kind: 'accepted' })
  }
})

test('however often records are read again, an event of which an answer was heard arrives once', async () => {
  const fates = fc.array(fc.constantFrom<Fate>('arrives', 'fails', 'lost'), { maxLength: 6 })
  const objects = fc.oneof(
    fc.constantFrom('a', 'b', 'c').map(id => happened(id)),
    fc.constantFrom('Rome', 'Oslo').map(lives),
  )
  await oracleAsync(
    fc.asyncProperty(
      fc.array(fc.array(objects, { maxLength: 4 }), { maxLength: 6 }),
      fates,
      async (reads, given) => {
        const { sender, deliver } = createStep()
        sender.fates = [...given]
        const answered = new Set<unknown>()
        for (const read of reads) {
          const before = sender.requests.length
          // Of equal ids in one read nothing is heard yet when both are put together.
          const unique = read.filter(
            (object, at) => read.indexOf(object) === at && isFirstOfItsId(object, at, read),
          )
          const outcomes = await deliver(...unique).catch(() => [])
          const ids = sender.requests.slice(before).flatMap(({ events = [] }) => events.map(idOf))
          for (const id of ids) assert.ok(!answered.has(id), `${String(id)} arrived again`)
          for (const [index, { kind }] of outcomes.entries()) {
            if (kind === 'accepted') answered.add(idOf(unique[index]!.object))
          }
          answered.delete(undefined)
        }
      },
    ),
  )
})

function idOf(event: object): unknown {
  return (event as { readonly properties?: { readonly event_id?: unknown } }).properties?.event_id
}

function isFirstOfItsId(object: BrazeObject, at: number, read: readonly BrazeObject[]): boolean {
  const id = idOf(object.object)
  return id === undefined || read.findIndex(other => idOf(other.object) === id) === at
}
