import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { brazeSizeOf, composeRequest, encode, splitByLimits } from '../src/encoding.ts'
import {
  brazeAttributes,
  brazeEvent,
  brazeLaneKey,
  brazePurchase,
  type BrazeTrackObject,
} from '../src/objects.ts'

const TIME = '2026-03-01T10:00:00Z'
const objects = fc
  .tuple(fc.constantFrom('attributes', 'event', 'purchase'), fc.string({ unit: 'grapheme', maxLength: 40 }))
  .map(([kind, text]): BrazeTrackObject => {
    if (kind === 'attributes') return brazeAttributes({ external_id: 'u', text })
    if (kind === 'event') return brazeEvent({ external_id: 'u', name: text, time: TIME })
    return brazePurchase({ external_id: 'u', product_id: text, currency: 'EUR', price: 1, time: TIME })
  })
const entriesOf = (list: readonly BrazeTrackObject[]) =>
  list.map(object => ({ object, encoded: encode(object) }))

test('a body holds every object in the array of its kind, and places lead back to them', () => {
  fc.assert(
    fc.property(fc.array(objects, { minLength: 1, maxLength: 20 }), list => {
      const entries = entriesOf(list)
      const { body, at } = composeRequest(entries)
      const parsed = JSON.parse(body) as Record<string, object[]>
      for (const [array, inArray] of Object.entries(parsed)) {
        for (const [index, object] of inArray.entries())
          assert.deepEqual(at(array, index)?.object.object, object)
      }
      assert.equal(Object.values(parsed).flat().length, list.length)
      assert.equal(at('events', 1_000), undefined)
      assert.equal(at('constructor', 0), undefined)
    }),
  )
})

test('requests keep both limits in UTF-8 bytes, nothing is lost and the order stays', () => {
  const limits = fc.record({
    maxObjects: fc.integer({ min: 1, max: 9 }),
    maxBytes: fc.integer({ min: 60, max: 900 }),
    objectLimit: fc.constantFrom('combined', 'per-array'),
  })
  fc.assert(
    fc.property(fc.array(objects, { maxLength: 40 }), limits, (list, bounds) => {
      const entries = entriesOf(list)
      const requests = [...splitByLimits(entries, bounds)]
      assert.deepEqual(requests.flat(), entries)
      for (const request of requests) {
        const counts = Object.values(Object.groupBy(request, ({ encoded }) => encoded.array))
        const counted = bounds.objectLimit === 'combined' ? [request] : counts
        assert.ok(request.length >= 1 && counted.every(({ length }) => length <= bounds.maxObjects))
        const bytes = Buffer.byteLength(composeRequest(request).body)
        assert.ok(request.length === 1 || bytes <= bounds.maxBytes, `${bytes} bytes`)
      }
    }),
  )
})

test('an item’s size is that of its JSON, and 0 for what JSON cannot hold', () => {
  assert.equal(brazeSizeOf(brazeAttributes({ external_id: 'ü' })), '{"external_id":"ü"}'.length + 2)
  assert.equal(brazeSizeOf(brazeAttributes({ external_id: 'u', big: 1n })), 0)
  assert.equal(brazeSizeOf(undefined as unknown as BrazeTrackObject), 0)
})

test('a lane is a user, whatever the kind of the object', () => {
  const event = { name: 'booked', time: TIME }
  assert.equal(brazeLaneKey(brazeAttributes({ external_id: 'u1' })), 'external_id:u1')
  assert.equal(brazeLaneKey(brazeEvent({ external_id: 'u1', email: 'a@b.c', ...event })), 'external_id:u1')
  assert.equal(brazeLaneKey(brazeEvent({ email: 'a@b.c', ...event })), 'email:a@b.c')
  const alias = { alias_name: 'n', alias_label: 'l' }
  assert.equal(brazeLaneKey(brazeEvent({ user_alias: alias, ...event })), 'user_alias:l:n')
  assert.equal(brazeLaneKey(brazeAttributes({})), 'nobody')
})
