import assert from 'node:assert/strict'
import { test } from 'node:test'
import { json, streamTopic, string, topology } from '@tributary/topology'
import { TopologyTestDriver } from '@tributary/topology/testing'
import fc from 'fast-check'
import { brazeSizeOf } from '../src/encoding.ts'
import { brazeMemoryTopic } from '../src/memory.ts'
import {
  brazeAttributes,
  brazeEvent,
  brazeLaneKey,
  brazeTombstone,
  type BrazeObject,
} from '../src/objects.ts'
import { oracleSeed as seed } from '../../../test-support/oracle.ts'
import { until } from '../../../test-support/until.ts'
import { NaiveBraze, type Entry } from './naive-braze.ts'
import { createWorld, type Fate } from './shaping-world.ts'

/*
 * The destination in a real `deliver` step, whose batches are cut by the step: requests that fail are repeated, and in the
 * end every profile is as if each object had been sent by itself.
 */

const users = fc.constantFrom('u1', 'u2', 'u3', 'u4')
const values = fc.constantFrom<unknown>(1, 2, 'x', null, { inc: 1 }, { add: ['a'] }, { remove: ['a'] }, [
  'a',
  'b',
])
const updates = fc.record({ p: values, q: values, r: values }, { requiredKeys: [] }) as fc.Arbitrary<Entry>
const steps = fc.array(
  fc.record({
    user: users,
    what: fc.constantFrom(
      'attributes',
      'attributes',
      'attributes',
      'event',
      'attributes',
      'event',
      'tombstone',
    ),
    object: updates,
  }),
  { minLength: 1, maxLength: 60, size: 'max' },
)
const fates = fc.array(fc.constantFrom<Fate>('arrives', 'arrives', 'fails'), { maxLength: 12 })

const inputs = streamTopic('objects', { key: string(), value: json<BrazeObject>() })

test('in a step, with requests that fail, profiles and what events find are as if objects were sent one by one', async t => {
  t.diagnostic(`ORACLE_SEED=${seed}`)
  const seen = { folded: 0, suppressed: 0 }
  await fc.assert(
    fc.asyncProperty(steps, fates, async (history, script) => {
      const { sender, destination } = createWorld({ tombstones: 'delete-user' })
      sender.fates = [...script]
      const builder = topology('sink')
      builder.stream(inputs).deliver({
        destination,
        laneKey: brazeLaneKey,
        memory: brazeMemoryTopic('memory'),
        sizeOf: brazeSizeOf,
        isUrgent: ({ kind }) => kind === 'event',
        maxBatchItems: 6,
        lingerMs: 10,
        maxInFlight: 2,
      })
      const driver = await TopologyTestDriver.create(builder.build(), { partitions: 2 })
      try {
        const objects = driver.input(inputs)
        const expected = new NaiveBraze()
        for (const [id, { user, what, object }] of history.entries()) {
          if (what === 'attributes') {
            expected.update({ external_id: user, ...object })
            objects.put(user, brazeAttributes({ external_id: user, ...object }))
          } else if (what === 'event') {
            const time = '2026-03-01T10:00:00Z'
            expected.record({ external_id: user, properties: { id } })
            objects.put(user, brazeEvent({ external_id: user, name: 'e', time, properties: { id } }))
          } else {
            expected.delete(user)
            objects.put(user, brazeTombstone({ external_id: user }))
          }
        }
        await until('every record is finished', async () => {
          await driver.advance(1_000)
          return driver.inFlight === 0
        })
        assert.deepEqual(driver.takeDeadLetters(), [])
        assert.deepEqual(sender.braze.profiles, expected.profiles)
        const byUser = ({ events }: NaiveBraze): unknown => Map.groupBy(events, ({ user }) => user)
        assert.deepEqual(byUser(sender.braze), byUser(expected))
        for (const { attributes = [] } of sender.requests) {
          assert.equal(new Set(attributes.map(({ external_id: id }) => id)).size, attributes.length)
        }
        seen.folded += destination.stats.shaping.folded
        seen.suppressed += destination.stats.shaping.suppressedFields
      } finally {
        await driver.close()
      }
    }),
    { seed, numRuns: 120, includeErrorInReport: true },
  )
  assert.ok(seen.folded > 200 && seen.suppressed > 25, JSON.stringify(seen))
})
