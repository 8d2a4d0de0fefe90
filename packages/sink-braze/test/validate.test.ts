import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrazeObject, BrazeObjectKind } from '../src/objects.ts'
import { brazeRules, invalidObject } from '../src/validate.ts'

type Fields = Record<string, unknown>

const VALID: Readonly<Record<BrazeObjectKind, Fields>> = {
  attributes: {
    external_id: 'u1',
    city: 'Lisbon',
    email: 'ada@example.com',
    email_subscribe: 'opted_in',
    gone: null,
  },
  event: { external_id: 'u1', name: 'booked', time: '2026-03-01T10:00:00.000Z', properties: { seats: 2 } },
  purchase: {
    external_id: 'u1',
    product_id: 'tour',
    currency: 'EUR',
    price: -9.5,
    time: '2026-03-01T10:00:00Z',
  },
}

const make = (kind: BrazeObjectKind, changes: Fields): BrazeObject =>
  ({ kind, object: { ...VALID[kind], ...changes } }) as unknown as BrazeObject

const LONG = 'x'.repeat(256)
const cycle: Fields = {}
cycle['self'] = cycle

/** For each rule, objects that break it and it first. */
const BREACHES: Readonly<Record<string, readonly [BrazeObjectKind, Fields][]>> = {
  json: [
    ['event', { properties: { big: 1n } }],
    ['event', { properties: { seats: Number.NaN } }],
    ['event', { properties: { list: [undefined] } }],
    ['attributes', { cycle }],
    ['attributes', { call: () => 1 }],
  ],
  'identity-required': [
    ['event', { external_id: undefined }],
    ['event', { external_id: '' }],
    ['attributes', { external_id: null, email: '' }],
  ],
  'identity-one-primary': [['event', { braze_id: 'b1' }]],
  'identifier-text': [
    ['event', { external_id: 7 }],
    ['attributes', { phone: 7 }],
  ],
  'external-id-length': [['purchase', { external_id: 'ü'.repeat(494) }]],
  'user-alias-shape': [
    ['event', { external_id: undefined, user_alias: { alias_name: 'n' } }],
    ['event', { external_id: undefined, user_alias: 'n' }],
  ],
  'email-format': [
    ['attributes', { email: 'ada' }],
    ['event', { email: 'a b@example.com' }],
  ],
  'email-subscription-state': [['attributes', { email_subscribe: 'yes' }]],
  'push-subscription-state': [['attributes', { push_subscribe: 'yes' }]],
  'email-subscription-info': [['attributes', { email_subscription_info: {} }]],
  'subscription-groups': [
    ['attributes', { subscription_groups: {} }],
    ['attributes', { subscription_groups: [1] }],
    [
      'attributes',
      { subscription_groups: [{ subscription_group_id: 'x', subscription_state: 'subscribed' }] },
    ],
  ],
  'push-tokens': [
    ['attributes', { push_tokens: 'x' }],
    ['attributes', { push_tokens: [{ token: 1 }] }],
    ['attributes', { push_tokens: [{ token: 't', device_id: 'short' }] }],
    ['attributes', { push_token_import: true, push_tokens: [{ token: 't' }] }],
  ],
  'current-location': [['attributes', { current_location: { longitude: 1 } }]],
  'attribute-name': [
    ['attributes', { ' ': 1 }],
    ['attributes', { [LONG]: 1 }],
  ],
  'attribute-text-length': [
    ['attributes', { note: LONG }],
    ['attributes', { trip: { stops: [{ note: LONG }] } }],
  ],
  'attribute-nested-null': [['attributes', { trip: { to: null } }]],
  'attribute-array-length': [
    ['attributes', { list: Array.from({ length: 501 }, (_, i) => `x${i}`) }],
    ['attributes', { list: { add: Array.from({ length: 501 }, (_, i) => i) } }],
  ],
  'attribute-nested-time': [
    ['attributes', { trip: { at: { $time: 'tomorrow' } } }],
    ['attributes', { trips: [{ at: { $time: 12 } }] }],
  ],
  'standard-attribute-name': [
    ['attributes', { First_Name: 'Ada' }],
    ['attributes', { ' EMAIL': 'ada@example.com' }],
  ],
  'attribute-size': [
    ['attributes', { list: Array.from({ length: 1_000 }, () => ({ note: 'x'.repeat(200) })) }],
  ],
  time: [
    ['event', { time: undefined }],
    ['event', { time: 1_700_000_000 }],
    ['purchase', { time: '2026-02-30T10:00:00Z' }],
    ['event', { time: 'yesterday' }],
  ],
  'properties-object': [['event', { properties: [] }]],
  'property-name': [
    ['event', { properties: { $city: 1 } }],
    ['purchase', { properties: { '': 1 } }],
    ['event', { properties: { [LONG]: 1 } }],
  ],
  'property-count': [
    ['event', { properties: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [i, i])) }],
  ],
  'property-text-length': [
    ['event', { properties: { note: LONG } }],
    ['purchase', { properties: { stops: [{ note: LONG }] } }],
  ],
  'event-name': [
    ['event', { name: undefined }],
    ['event', { name: '' }],
    ['event', { name: LONG }],
    ['event', { name: '$booked' }],
  ],
  'event-property-reserved': [
    ['event', { properties: { time: 'x' } }],
    ['event', { properties: { event_name: 'x' } }],
  ],
  'event-properties-size': [
    ['event', { properties: { list: Array.from({ length: 1_000 }, () => 'x'.repeat(200)) } }],
  ],
  'product-id': [
    ['purchase', { product_id: undefined }],
    ['purchase', { product_id: LONG }],
  ],
  currency: [['purchase', { currency: 'eur' }]],
  price: [['purchase', { price: '9.5' }]],
  quantity: [
    ['purchase', { quantity: 0 }],
    ['purchase', { quantity: 101 }],
    ['purchase', { quantity: 1.5 }],
  ],
  'purchase-property-reserved': [['purchase', { properties: { price: 1 } }]],
  'purchase-properties-size': [
    [
      'purchase',
      { properties: Object.fromEntries(Array.from({ length: 250 }, (_, i) => [i, 'x'.repeat(250)])) },
    ],
  ],
}

test('every rule has a breach here, and there are no others', () => {
  assert.deepEqual(Object.keys(BREACHES).sort(), brazeRules.map(rule => rule.id).sort())
})

for (const [id, breaches] of Object.entries(BREACHES)) {
  test(`what breaks the rule ${id} is not sent`, () => {
    for (const [kind, changes] of breaches) {
      const error = invalidObject(make(kind, changes))
      assert.equal(error?.code, 'BRAZE_OBJECT_INVALID')
      assert.match(String(error?.message), new RegExp(`\\(rule ${id}\\)`))
    }
  })
}

test('what keeps to the rules may be sent', () => {
  const fine: [BrazeObjectKind, Fields][] = [
    ['attributes', {}],
    ['attributes', { visits: { inc: 1 }, tags: { add: ['a'] }, none: '', trips: [{ to: 'Oslo' }] }],
    ['attributes', { note: '👋'.repeat(255) }],
    ['attributes', { external_id: undefined, user_alias: { alias_name: 'n', alias_label: 'l' } }],
    ['event', { external_id: undefined, email: 'ada@example.com' }],
    ['event', { external_id: 'u'.repeat(987), properties: undefined }],
    ['event', { time: '2024-02-29' }],
    ['event', { time: '2026-03-01T10:00:00:000+0100' }],
    ['event', { properties: { none: null, list: [1, 'a', { b: true }] } }],
    ['purchase', { quantity: 100, properties: { color: 'red' } }],
  ]
  for (const [kind, changes] of fine) assert.equal(invalidObject(make(kind, changes)), undefined)
})

test('an item that is no Braze object at all is refused as one', () => {
  for (const item of [
    undefined,
    null,
    'x',
    {},
    { kind: 'visit', object: {} },
    { kind: 'event', object: null },
  ]) {
    assert.equal(invalidObject(item as BrazeObject)?.code, 'BRAZE_OBJECT_INVALID')
  }
})

test('a message shows where the fault is and never the value', () => {
  const error = invalidObject(make('event', { properties: { trip: [{ note: `secret ${LONG}` }] } }))
  assert.match(String(error?.message), /properties\.trip\[0\]\.note has more than 255 characters/)
  assert.equal(error?.message.includes('secret'), false)
})
