import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rules } from '@tributary/braze-simulator'
import type { ArrayName } from '@tributary/braze-simulator'
import { rig } from './harness.ts'

interface Example {
  readonly array: ArrayName
  readonly refused: unknown
  readonly accepted: unknown
}

const user = { external_id: 'u' }
const group = '00000000-0000-4000-8000-000000000000'
const attributes = (fields: object): object => ({ ...user, ...fields })
const event = (fields: object): object => ({
  ...user,
  name: 'booked',
  time: '2026-03-01T10:00:00Z',
  ...fields,
})
const purchase = (fields: object): object => ({
  ...user,
  product_id: 'kayak',
  currency: 'EUR',
  price: 12.5,
  time: '2026-03-01T10:00:00Z',
  ...fields,
})
const withProperties = (properties: unknown): object => event({ properties })
const text = (length: number): string => 'x'.repeat(length)

/** Nested properties whose JSON takes exactly so many bytes. */
function propertiesOfBytes(bytes: number): object {
  const list: string[] = []
  const size = (): number => JSON.stringify({ list }).length
  while (bytes - size() > 300) list.push(text(200))
  list.push('')
  list[list.length - 1] = text(bytes - size())
  return { list }
}

const examples: Readonly<Record<string, readonly Example[]>> = {
  'identity-required': [
    { array: 'attributes', refused: { colour: 'red' }, accepted: { email: 'a@example.com' } },
    { array: 'events', refused: event({ external_id: '' }), accepted: event({}) },
    { array: 'events', refused: 'not an object', accepted: event({}) },
    { array: 'events', refused: null, accepted: event({ external_id: undefined, phone: '+15043277269' }) },
    { array: 'purchases', refused: purchase({ external_id: null }), accepted: purchase({}) },
    {
      array: 'attributes',
      refused: { push_tokens: [{ app_id: 'a', token: 't' }] },
      accepted: { push_token_import: true, push_tokens: [{ app_id: 'a', token: 't' }] },
    },
  ],
  'identity-one-primary': [
    {
      array: 'attributes',
      refused: { external_id: 'u', braze_id: 'b' },
      accepted: { external_id: 'u', email: 'a@example.com', phone: '+15043277269' },
    },
    {
      array: 'events',
      refused: event({ user_alias: { alias_name: 'n', alias_label: 'l' } }),
      accepted: event({ external_id: undefined, user_alias: { alias_name: 'n', alias_label: 'l' } }),
    },
  ],
  'external-id-text': [{ array: 'events', refused: event({ external_id: 17 }), accepted: event({}) }],
  'external-id-length': [
    {
      array: 'events',
      // 494 characters of two bytes each: bytes count, not characters.
      refused: event({ external_id: 'é'.repeat(494) }),
      accepted: event({ external_id: text(987) }),
    },
  ],
  'user-alias-shape': [
    {
      array: 'attributes',
      refused: { user_alias: { alias_name: 'n' } },
      accepted: { user_alias: { alias_name: 'n', alias_label: 'l' } },
    },
    { array: 'attributes', refused: { user_alias: 'n' }, accepted: user },
  ],
  'other-identifier-text': [
    { array: 'events', refused: event({ external_id: undefined, braze_id: 5 }), accepted: event({}) },
  ],
  'email-format': [
    {
      array: 'attributes',
      refused: attributes({ email: 'ada@example' }),
      accepted: attributes({ email: 'ada@example.com' }),
    },
    { array: 'attributes', refused: { email: 'ada' }, accepted: attributes({ email: null }) },
    {
      array: 'events',
      refused: event({ email: 5 }),
      accepted: event({ external_id: undefined, email: 'ada@example.com' }),
    },
  ],
  'email-subscription-state': [
    {
      array: 'attributes',
      refused: attributes({ email_subscribe: 'yes' }),
      accepted: attributes({ email_subscribe: 'opted_in' }),
    },
  ],
  'push-subscription-state': [
    {
      array: 'attributes',
      refused: attributes({ push_subscribe: true }),
      accepted: attributes({ push_subscribe: 'unsubscribed' }),
    },
  ],
  'email-subscription-info': [
    { array: 'attributes', refused: attributes({ email_subscription_info: {} }), accepted: user },
  ],
  'subscription-groups-array': [
    {
      array: 'attributes',
      refused: attributes({ subscription_groups: {} }),
      accepted: attributes({ subscription_groups: [] }),
    },
  ],
  'subscription-group-shape': [
    {
      array: 'attributes',
      refused: attributes({ subscription_groups: [{ subscription_group_id: group }] }),
      accepted: attributes({
        subscription_groups: [{ subscription_group_id: group, subscription_state: 'subscribed' }],
      }),
    },
  ],
  'subscription-group-id': [
    {
      array: 'attributes',
      refused: attributes({
        subscription_groups: [{ subscription_group_id: 'news', subscription_state: 'subscribed' }],
      }),
      accepted: attributes({
        subscription_groups: [{ subscription_group_id: group, subscription_state: 'subscribed' }],
      }),
    },
  ],
  'subscription-group-state': [
    {
      array: 'attributes',
      refused: attributes({
        subscription_groups: [{ subscription_group_id: group, subscription_state: 'opted_in' }],
      }),
      accepted: attributes({
        subscription_groups: [{ subscription_group_id: group, subscription_state: 'unsubscribed' }],
      }),
    },
  ],
  'push-token-import': [
    {
      array: 'attributes',
      refused: attributes({ push_token_import: true, push_tokens: [{ app_id: 'a', token: 't' }] }),
      accepted: attributes({ push_token_import: false, push_tokens: [{ app_id: 'a', token: 't' }] }),
    },
    { array: 'attributes', refused: { push_token_import: true }, accepted: user },
  ],
  'push-tokens-array': [
    {
      array: 'attributes',
      refused: attributes({ push_tokens: ['t'] }),
      accepted: attributes({ push_tokens: [] }),
    },
  ],
  'push-token-text': [
    {
      array: 'attributes',
      refused: attributes({ push_tokens: [{ app_id: 'a', token: 5 }] }),
      accepted: attributes({ push_tokens: [{ app_id: 'a', token: '5' }] }),
    },
  ],
  'push-token-device-id': [
    {
      array: 'attributes',
      refused: attributes({ push_tokens: [{ app_id: 'a', token: 't', device_id: '1234567' }] }),
      accepted: attributes({ push_tokens: [{ app_id: 'a', token: 't', device_id: '12345678' }] }),
    },
    {
      array: 'attributes',
      refused: attributes({ push_tokens: [{ app_id: 'a', token: 't', device_id: text(256) }] }),
      accepted: attributes({ push_tokens: [{ app_id: 'a', token: 't', device_id: text(255) }] }),
    },
  ],
  'current-location': [
    {
      array: 'attributes',
      refused: attributes({ current_location: { longitude: 1 } }),
      accepted: attributes({ current_location: { longitude: -73.99, latitude: 40.75 } }),
    },
  ],
  'attribute-text-length': [
    {
      array: 'attributes',
      refused: attributes({ city: text(256) }),
      // 255 characters that are two UTF-16 units each.
      accepted: attributes({ city: '🛶'.repeat(255) }),
    },
    {
      array: 'attributes',
      refused: attributes({ trips: [{ city: text(256) }] }),
      accepted: attributes({ trips: [{ city: text(255) }] }),
    },
  ],
  'event-name-required': [
    { array: 'events', refused: event({ name: undefined }), accepted: event({}) },
    { array: 'events', refused: event({ name: '' }), accepted: event({ name: 'x' }) },
  ],
  'event-name': [
    { array: 'events', refused: event({ name: text(256) }), accepted: event({ name: text(255) }) },
    { array: 'events', refused: event({ name: '$booked' }), accepted: event({ name: 'bo$oked' }) },
    { array: 'events', refused: event({ name: 5 }), accepted: event({ name: '5' }) },
  ],
  'time-required': [
    { array: 'events', refused: event({ time: undefined }), accepted: event({}) },
    { array: 'purchases', refused: purchase({ time: null }), accepted: purchase({}) },
  ],
  'time-format': [
    { array: 'events', refused: event({ time: 'yesterday' }), accepted: event({ time: '2026-03-01' }) },
    {
      array: 'events',
      refused: event({ time: 1_772_359_200 }),
      accepted: event({ time: '2013-07-16T19:20:30+01:00' }),
    },
    {
      array: 'purchases',
      refused: purchase({ time: '2026-02-29T10:00:00Z' }),
      accepted: purchase({ time: '2026-02-28T10:00:00:123Z' }),
    },
  ],
  'properties-object': [
    { array: 'events', refused: withProperties([1]), accepted: withProperties({}) },
    { array: 'purchases', refused: purchase({ properties: 'x' }), accepted: purchase({ properties: null }) },
  ],
  'property-name': [
    { array: 'events', refused: withProperties({ '': 1 }), accepted: withProperties({ a: 1 }) },
    { array: 'events', refused: withProperties({ $a: 1 }), accepted: withProperties({ a$: 1 }) },
    {
      array: 'events',
      refused: withProperties({ [text(256)]: 1 }),
      accepted: withProperties({ [text(255)]: 1 }),
    },
  ],
  'event-property-reserved': [
    {
      array: 'events',
      refused: withProperties({ time: 'noon' }),
      accepted: withProperties({ Time: 'noon' }),
    },
    { array: 'events', refused: withProperties({ event_name: 1 }), accepted: withProperties({ price: 1 }) },
  ],
  'purchase-property-reserved': ['time', 'product_id', 'quantity', 'event_name', 'price', 'currency'].map(
    key => ({
      array: 'purchases' as const,
      refused: purchase({ properties: { [key]: 1 } }),
      accepted: purchase({ properties: { [`my_${key}`]: 1 } }),
    }),
  ),
  'property-text-length': [
    {
      array: 'events',
      refused: withProperties({ a: text(256) }),
      accepted: withProperties({ a: text(255) }),
    },
    {
      array: 'events',
      refused: withProperties({ a: { b: ['', text(256)] } }),
      accepted: withProperties({ a: { b: ['', text(255)] } }),
    },
  ],
  'event-properties-size': [
    {
      array: 'events',
      refused: withProperties(propertiesOfBytes(100_001)),
      accepted: withProperties(propertiesOfBytes(100_000)),
    },
  ],
  'purchase-properties-size': [
    {
      array: 'purchases',
      refused: purchase({ properties: propertiesOfBytes(50_001) }),
      accepted: purchase({ properties: propertiesOfBytes(50_000) }),
    },
  ],
  'product-id-required': [
    { array: 'purchases', refused: purchase({ product_id: undefined }), accepted: purchase({}) },
  ],
  'product-id': [
    {
      array: 'purchases',
      refused: purchase({ product_id: text(256) }),
      accepted: purchase({ product_id: text(255) }),
    },
  ],
  'currency-required': [
    { array: 'purchases', refused: purchase({ currency: undefined }), accepted: purchase({}) },
  ],
  currency: [
    { array: 'purchases', refused: purchase({ currency: 'EURO' }), accepted: purchase({ currency: 'JPY' }) },
  ],
  'price-required': [
    { array: 'purchases', refused: purchase({ price: undefined }), accepted: purchase({ price: 0 }) },
  ],
  price: [{ array: 'purchases', refused: purchase({ price: '12' }), accepted: purchase({ price: -12 }) }],
  quantity: [
    { array: 'purchases', refused: purchase({ quantity: 0 }), accepted: purchase({ quantity: 1 }) },
    { array: 'purchases', refused: purchase({ quantity: 101 }), accepted: purchase({ quantity: 100 }) },
    { array: 'purchases', refused: purchase({ quantity: 1.5 }), accepted: purchase({ quantity: null }) },
  ],
}

test('each rule has an example and each example a rule', () => {
  assert.deepEqual(Object.keys(examples).sort(), rules.map(rule => rule.id).sort())
})

for (const rule of rules) {
  test(`${rule.id} refuses what breaks it and accepts what keeps it`, async t => {
    const { track, summary } = rig(t)
    for (const { array, refused, accepted } of examples[rule.id] ?? []) {
      const { status, body } = await track({ [array]: [accepted, refused] })
      const shown = `${array} ${JSON.stringify(refused)?.slice(0, 200)}`
      assert.deepEqual(body.errors, [{ type: rule.message, input_array: array, index: 1 }], shown)
      assert.equal(status, 201, shown)
      assert.equal(body[`${array}_processed`], 1, shown)
      assert.ok(rule.appliesTo.includes(array), shown)
    }
    assert.deepEqual(Object.keys((await summary()).objects.refusedByRule), [rule.id])
  })
}

test('an error is a code of the documented table where that style is asked for', async t => {
  const { track } = rig(t, { errorTypes: 'code' })
  for (const rule of rules) {
    for (const { array, refused } of examples[rule.id] ?? []) {
      const { body } = await track({ [array]: [refused] })
      assert.deepEqual(body.errors, [{ type: rule.code ?? rule.message, input_array: array, index: 0 }])
    }
  }
})

test('an object that breaks several rules gets the error of the first', async t => {
  const { track } = rig(t)
  const { body } = await track({ events: [{ name: '', properties: 5 }] })
  assert.equal(body.errors?.length, 1)
  assert.equal(body.errors?.[0]?.type, rules[0]?.message)
})

test('flat event properties may be larger than nested ones', async t => {
  const { track } = rig(t)
  const flat = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`p${index}`, text(255)]))
  const wide = { ...flat, ...Object.fromEntries(Object.keys(flat).map(key => [key + text(240), text(255)])) }
  assert.ok(JSON.stringify(wide).length > 100_000)
  assert.equal((await track({ events: [withProperties(wide)] })).status, 201)
})
