import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSimulator } from '@tributary/braze-simulator'
import fc from 'fast-check'
import type { BrazeTrackObject } from '../src/objects.ts'
import { invalidObject } from '../src/validate.ts'
import { oracleSeed as seed } from '../../../test-support/oracle.ts'

const LONG = 'x'.repeat(256)
const LONG_LIST = Array.from({ length: 501 }, (_, i) => `x${i}`)
const GROUP = '0d5bd2c1-7a4c-4b31-8b8c-000000000001'

/** Nine times in ten one of the first, so that an object has a fault or two and not all of them. */
function mostly<T>(fine: readonly T[], faulty: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom<unknown>(...fine) },
    { weight: 1, arbitrary: fc.constantFrom(...faulty) },
  )
}
const optional = (fields: Readonly<Record<string, fc.Arbitrary<unknown>>>) =>
  fc.record(fields, { requiredKeys: [] })

const values = mostly(
  [
    'Oslo',
    '',
    'x'.repeat(255),
    '👋'.repeat(255),
    0,
    1.5,
    true,
    null,
    { to: 'Oslo' },
    ['a'],
    { inc: 1 },
    { add: ['a'] },
  ],
  [
    LONG,
    { to: null },
    { to: LONG },
    [LONG],
    { trip: [{ to: LONG }] },
    [{ to: null }],
    { at: { $time: 'soon' } },
    LONG_LIST,
    { add: LONG_LIST },
  ],
)
const identities = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ external_id: mostly(['u1', 'ü'.repeat(493)], ['', 'ü'.repeat(494), 7]) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ email: mostly(['ada@example.com'], ['ada', '']), phone: mostly(['+47123'], [7]) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      // Otherwise the simulator looks no further when there is no such profile.
      _update_existing_only: fc.constant(false),
      user_alias: mostly([{ alias_name: 'n', alias_label: 'l' }], [{ alias_name: 'n' }, 'n', '']),
    }),
  },
  {
    weight: 1,
    arbitrary: optional({ external_id: fc.constant('u1'), braze_id: fc.constantFrom('b1', '', 7) }),
  },
)
const times = mostly(
  ['2026-03-01T10:00:00Z', '2026-03-01T10:00:00.123+01:00', '2026-03-01T10:00:00:000+0100', '2024-02-29'],
  ['2026-02-29', '2026-13-01T00:00:00Z', '2026-03-01T24:00:00Z', '2026-03-01 10:00', 'now', '', 12, null],
)
const properties = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.dictionary(
      mostly(['city', 'a', 'b'], ['$city', 'time', 'price', '', LONG]) as fc.Arbitrary<string>,
      values,
      {
        maxKeys: 4,
      },
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom([], 'x', null, undefined) },
)
const eventBodies = fc.record({
  name: mostly(['booked'], ['', LONG, '$x', 7, null]),
  time: times,
  properties,
})
const purchaseBodies = fc.record({
  product_id: mostly(['p'], ['', LONG, 7]),
  currency: mostly(['EUR'], ['eur', 'XYZ', '']),
  price: mostly([1, -1.5, 0], ['1', null]),
  quantity: mostly([1, 100, null, undefined], [0, 101, 1.5, '1']),
  time: times,
  properties,
})
const attributeBodies = optional({
  city: values,
  email_subscribe: mostly(['opted_in', null], ['yes']),
  push_subscribe: mostly(['unsubscribed', null], ['yes']),
  current_location: mostly([{ longitude: 1, latitude: 2 }, null], [{ longitude: 1 }, 'x']),
  push_tokens: mostly(
    [[{ token: 't', device_id: '12345678' }]],
    [[{ token: 1 }], [{ token: 't', device_id: 'x' }], 'x'],
  ),
  push_token_import: mostly([false], [true]),
  subscription_groups: mostly(
    [[{ subscription_group_id: GROUP, subscription_state: 'subscribed' }]],
    [
      [{ subscription_group_id: 'x', subscription_state: 'subscribed' }],
      'x',
      [{ subscription_group_id: GROUP }],
    ],
  ),
})

const merged = <T extends object>(kind: BrazeTrackObject['kind'], body: fc.Arbitrary<T>) =>
  fc
    .tuple(identities, body)
    .map(([identity, rest]) => ({ kind, object: { ...identity, ...rest } }) as unknown as BrazeTrackObject)
const objects = fc.oneof(
  merged('event', eventBodies),
  merged('purchase', purchaseBodies),
  merged('attributes', attributeBodies),
)

const ARRAYS = { attributes: 'attributes', event: 'events', purchase: 'purchases' } as const

test('what the rules let through is taken in by the simulator, whole, and what they stop is refused or lost', async t => {
  t.diagnostic(`ORACLE_SEED=${seed}`)
  const simulator = createSimulator({ apiKey: 'k', burstRequests: 1_000_000 })
  t.after(() => simulator.close())
  const seen = { valid: 0, invalid: 0 }
  await fc.assert(
    fc.asyncProperty(objects, async braze => {
      simulator.state.reset()
      const { statusCode } = await simulator.app.inject({
        method: 'POST',
        url: '/users/track',
        headers: { authorization: 'Bearer k', 'content-type': 'application/json' },
        payload: { [ARRAYS[braze.kind]]: [braze.object] },
      })
      const { silent } = simulator.state.summary()
      // What else is done in silence depends on the profile or on the time.
      const losses = (['nested-invalid', 'array-trimmed', 'properties-over-256'] as const).filter(
        name => silent[name] !== undefined,
      )
      const isWhole = statusCode === 201 && losses.length === 0
      const invalid = invalidObject(braze)
      assert.equal(isWhole, invalid === undefined, `${statusCode}, ${invalid?.message}`)
      seen[invalid === undefined ? 'valid' : 'invalid'] += 1
    }),
    { seed, numRuns: 1_500, includeErrorInReport: true },
  )
  assert.ok(seen.valid > 300 && seen.invalid > 300, JSON.stringify(seen))
})
