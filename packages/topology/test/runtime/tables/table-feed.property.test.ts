import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { oracleAsync, oracleSeed } from '../../../../../test-support/oracle.ts'
import type { Serde } from '../../../src/serde/serde.ts'
import { createFaultyClient, outOfRange, unavailable, type FaultyClient } from './faulty-client.ts'
import { poisonable, setUp, settledTurns, until } from './support.ts'

type Step =
  | { readonly kind: 'put'; readonly key: string | null; readonly value: string | null }
  | { readonly kind: 'skip'; readonly count: number }
  | { readonly kind: 'fetch error' | 'out of range' | 'turns' | 'pause' | 'revoke' | 'idle polls' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      key: fc.option(fc.constantFrom('', 'ada', 'bob', 'eve', 'zoe'), { freq: 12 }),
      value: fc.option(fc.oneof(fc.constant('poison'), fc.string({ maxLength: 6 })), { freq: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('skip' as const), count: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('fetch error', 'out of range', 'turns', 'pause', 'revoke', 'idle polls'),
    }),
  },
)

/** What a plain reader of the whole topic makes of it. */
function recompute(kafka: FaultyClient): Map<string, string> {
  const rows = new Map<string, string>()
  for (const { key, value } of kafka.records('customers', 0)) {
    if (key === null || value?.toString().startsWith('poison')) continue
    if (value === null) rows.delete(key.toString())
    else rows.set(key.toString(), value.toString())
  }
  return rows
}

test('whatever happens on the way, a table ends with the rows that a plain reader of its topic has', async t => {
  t.diagnostic(`ORACLE_SEED=${oracleSeed}`)
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 25 }),
    fc.array(step, { maxLength: 40 }),
    async (before, after) => {
      const kafka = createFaultyClient([{ name: 'customers', partitions: 1 }])
      const setting = await setUp(t, () => undefined, {
        kafka,
        table: { value: poisonable() as Serde<unknown> },
      })
      const { tables, clock, partition } = setting
      const take = async (each: Step, isAssigned: boolean): Promise<void> => {
        const isFetched = kafka.isFetched('customers', 0)
        if (each.kind === 'put') kafka.put('customers', { key: each.key, value: each.value })
        if (each.kind === 'skip') kafka.skipOffsets('customers', 0, each.count)
        if (each.kind === 'turns') await settledTurns(3)
        if (each.kind === 'pause') await clock.advance(5_000)
        if (each.kind === 'idle polls') kafka.answerIdlePolls()
        if (each.kind === 'fetch error' && isFetched) kafka.breakFetch('customers', 0, unavailable())
        if (each.kind === 'out of range' && isFetched) kafka.breakFetch('customers', 0, outOfRange())
        if (each.kind === 'revoke' && isAssigned) {
          tables.revoke(1, [0])
          tables.assign(1, [0])
        }
      }
      for (const each of before) await take(each, false)
      tables.assign(1, [0])
      for (const each of after) await take(each, true)
      await clock.advance(60_000)
      await tables.whenLive(1, 0)
      const end = kafka.endOffset('customers', 0)
      await until(() => partition().position === end && partition().lag === 0, 'the end of the topic')
      kafka.answerIdlePolls()
      await until(() => partition().state === 'live', 'live')
      const expected = recompute(kafka)
      const rows = tables.reader(1, 0)
      for (const key of ['', 'ada', 'bob', 'eve', 'zoe']) assert.equal(rows.get(key), expected.get(key))
      assert.equal(partition().rows, expected.size)
      await tables.stop()
    },
  )
  await oracleAsync(property, { runs: 150 })
})
