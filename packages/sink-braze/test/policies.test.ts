import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brazeAttributes, brazeEvent, type BrazeObject, type BrazeTrackObject } from '../src/objects.ts'
import { resolveOptions, type BrazeDestinationOptions } from '../src/options.ts'
import { policiesOf, type BrazePolicy } from '../src/rules/rule.ts'
import { brazeRules, Validator } from '../src/validate.ts'
import { CALL, createWorld, itemOf } from './shaping-world.ts'

type Fields = Readonly<Record<string, unknown>>

const LONG = 'é'.repeat(300)
const MANY = Array.from({ length: 502 }, (_, i) => `x${i}`)
const attributes = (fields: Fields): BrazeTrackObject => brazeAttributes({ external_id: 'u1', ...fields })
const event = (properties: Fields): BrazeTrackObject =>
  ({
    kind: 'event',
    object: { external_id: 'u1', name: 'e', time: '2026-03-01T10:00:00Z', properties },
  }) as unknown as BrazeTrackObject
const purchase = (properties: Fields): BrazeTrackObject =>
  ({
    kind: 'purchase',
    object: { ...event(properties).object, product_id: 'p', currency: 'EUR', price: 1 },
  }) as unknown as BrazeTrackObject

const manyProperties = Object.fromEntries(Array.from({ length: 258 }, (_, i) => [`p${i}`, i]))

/** For each way in which a rule can mend an object: what breaks it, and what is left. */
const MENDINGS: readonly [string, Exclude<BrazePolicy, 'reject'>, BrazeTrackObject, BrazeTrackObject][] = [
  [
    'email-subscription-state',
    'drop-field',
    attributes({ email_subscribe: 'yes', a: 1 }),
    attributes({ a: 1 }),
  ],
  ['push-subscription-state', 'drop-field', attributes({ push_subscribe: 1, a: 1 }), attributes({ a: 1 })],
  [
    'email-subscription-info',
    'drop-field',
    attributes({ email_subscription_info: {}, a: 1 }),
    attributes({ a: 1 }),
  ],
  ['subscription-groups', 'drop-field', attributes({ subscription_groups: 'x', a: 1 }), attributes({ a: 1 })],
  ['current-location', 'drop-field', attributes({ current_location: 1, a: 1 }), attributes({ a: 1 })],
  ['attribute-name', 'drop-field', attributes({ [LONG]: 1, a: 1 }), attributes({ a: 1 })],
  ['standard-attribute-name', 'drop-field', attributes({ Email: 'x', a: 1 }), attributes({ a: 1 })],
  [
    'attribute-text-length',
    'truncate',
    attributes({ a: LONG, b: { c: [LONG, 'x'] }, d: 1 }),
    attributes({ a: 'é'.repeat(255), b: { c: ['é'.repeat(255), 'x'] }, d: 1 }),
  ],
  [
    'attribute-text-length',
    'drop-field',
    attributes({ a: LONG, b: { c: [LONG] }, d: 1 }),
    attributes({ d: 1 }),
  ],
  [
    'attribute-array-length',
    'truncate',
    attributes({ a: MANY, b: { add: MANY }, c: 1 }),
    attributes({ a: MANY.slice(2), b: { add: MANY.slice(2) }, c: 1 }),
  ],
  ['attribute-array-length', 'drop-field', attributes({ a: MANY, c: 1 }), attributes({ c: 1 })],
  ['attribute-nested-null', 'drop-field', attributes({ a: { b: null }, c: null }), attributes({ c: null })],
  [
    'attribute-nested-time',
    'drop-field',
    attributes({ a: [{ b: { $time: 'x' } }], c: { $time: '2026-03-01' } }),
    attributes({ c: { $time: '2026-03-01' } }),
  ],
  [
    'attribute-size',
    'drop-field',
    attributes({ a: Array.from({ length: 1_000 }, () => ({ note: 'x'.repeat(200) })), c: 1 }),
    attributes({ c: 1 }),
  ],
  ['properties-object', 'drop-field', event([] as unknown as Fields), withoutProperties()],
  ['property-name', 'drop-field', event({ $a: 1, '': 1, [LONG]: 1, b: 1 }), event({ b: 1 })],
  [
    'property-count',
    'truncate',
    event(manyProperties),
    event(Object.fromEntries(Object.entries(manyProperties).slice(0, 256))),
  ],
  ['property-text-length', 'truncate', event({ a: [{ b: LONG }] }), event({ a: [{ b: 'é'.repeat(255) }] })],
  ['property-text-length', 'drop-field', event({ a: [{ b: LONG }], c: 1 }), event({ c: 1 })],
  ['event-property-reserved', 'drop-field', event({ time: 1, event_name: 1, a: 1 }), event({ a: 1 })],
  ['purchase-property-reserved', 'drop-field', purchase({ price: 1, a: 1 }), purchase({ a: 1 })],
]

function withoutProperties(): BrazeTrackObject {
  const { properties: _, ...rest } = event({}).object as Fields
  return { kind: 'event', object: rest } as unknown as BrazeTrackObject
}

test('every policy of every rule has a case here', () => {
  const offered = brazeRules.flatMap(rule => policiesOf(rule).map(policy => `${rule.id} ${policy}`))
  const cases = new Set(MENDINGS.map(([id, policy]) => `${id} ${policy}`))
  assert.deepEqual([...cases].sort(), offered.filter(each => !each.endsWith(' reject')).sort())
})

for (const [id, policy, broken, mended] of MENDINGS) {
  test(`the rule ${id} mends by ${policy}, and rejects by default`, () => {
    const before = JSON.stringify(broken)
    const breaches: unknown[] = []
    const { braze } = new Validator({ [id]: policy }, (...breach) => breaches.push(breach)).check(broken)
    assert.deepEqual(braze, mended)
    assert.deepEqual(breaches, [[id, policy]])
    assert.equal(JSON.stringify(broken), before, 'the object itself is left as it is')
    assert.match(String(new Validator().check(broken).error?.message), new RegExp(`\\(rule ${id}\\)`))
  })
}

test('what cannot be mended is rejected: a shortened address would be somebody else’s', () => {
  const validator = new Validator({ 'attribute-text-length': 'truncate' })
  const { error } = validator.check(attributes({ email: `${'a'.repeat(300)}@example.com`, note: LONG }))
  assert.match(String(error?.message), /email has more than 255 characters/)
})

test('an object is mended by several rules, sent once, and counted by rule and policy, however often it is looked at', async () => {
  const { destination, sender } = createWorld({
    rules: { 'property-text-length': 'truncate', 'event-property-reserved': 'drop-field' },
  })
  const broken: BrazeObject = event({ note: LONG, time: 'x' })
  destination.joins(broken, [event({})])
  sender.fates = ['fails']
  const items = [broken, event({ $a: 1 })].map((object, offset) => itemOf(object, offset, undefined))
  await destination.deliver(items, CALL).catch(() => [])
  await destination.deliver(items, CALL)
  assert.deepEqual(sender.requests.at(-1)?.events, [event({ note: 'é'.repeat(255) }).object])
  assert.deepEqual(destination.stats.shaping.rules, {
    'property-text-length': { truncate: 1 },
    'event-property-reserved': { 'drop-field': 1 },
    'property-name': { reject: 1 },
  })
})

test('a time that is no date of the calendar is none', () => {
  const isValid = (time: string): boolean =>
    new Validator().check(brazeEvent({ external_id: 'u', name: 'e', time })).error === undefined
  const good = [
    '2024-02-29',
    '2000-02-29T00:00Z',
    '2026-12-31T23:59:60.5+0100',
    '2026-03-01T10:00:00:000+0100',
  ]
  const bad = ['2023-02-29', '1900-02-29', '2026-04-31', '2026-00-01', '2026-01-00', '2026-01-01T24:00Z']
  assert.deepEqual(
    good.map(isValid),
    good.map(() => true),
  )
  assert.deepEqual(
    bad.map(isValid),
    bad.map(() => false),
  )
})

function faultsOf(options: object): string {
  try {
    resolveOptions({ url: 'http://b', apiKey: 'k', ...options } as BrazeDestinationOptions)
  } catch (error) {
    return (error as Error).message
  }
  return ''
}

test('unknown rules and policies that a rule cannot follow are refused, with what is allowed', () => {
  const message = faultsOf({
    rules: { 'property-length': 'truncate', quantity: 'truncate', 'property-text-length': 'shorten' },
    tombstones: 'delete',
    objectLimit: 225,
    suppressUnchanged: 'no',
    fullRefreshAfterMs: -1,
  })
  for (const part of [
    'rules.property-length is no rule; there are json, identity-required,',
    'rules.quantity is "truncate"; allowed: "reject"',
    'rules.property-text-length is "shorten"; allowed: "reject", "truncate", "drop-field"',
    'tombstones is "delete"; allowed: "ignore", "null-attributes", "delete-user"',
    'objectLimit is 225; allowed: "combined", "per-array"',
    'suppressUnchanged is "no"; allowed: true, false',
    'fullRefreshAfterMs is -1; allowed: a whole number from 0, or null',
  ]) {
    assert.ok(message.includes(part), `${part} in: ${message}`)
  }
  assert.match(
    faultsOf({ tombstones: 'null-attributes', suppressUnchanged: false }),
    /needs suppressUnchanged/,
  )
})

test('the defaults reject, suppress, refresh after a week and leave tombstones alone', () => {
  const { shaping } = resolveOptions({ url: 'http://b', apiKey: 'k' })
  assert.deepEqual(shaping, {
    objectLimit: 'combined',
    rules: {},
    suppressUnchanged: true,
    fullRefreshAfterMs: 604_800_000,
    rememberedEvents: 0,
    tombstones: 'ignore',
  })
  assert.equal(
    resolveOptions({ url: 'http://b', apiKey: 'k', fullRefreshAfterMs: null }).shaping.fullRefreshAfterMs,
    Infinity,
  )
})
