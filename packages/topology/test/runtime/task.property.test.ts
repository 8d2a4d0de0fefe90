import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { topology } from '../../src/dsl/builder.ts'
import { json, string } from '../../src/serde/primitives.ts'
import { TopologyTestDriver } from '../../src/testing/topology-test-driver.ts'
import { streamTopic } from '../../src/topic.ts'
import { oracleAsync } from '../../../../test-support/oracle.ts'

interface Event {
  readonly id: number
  /** What becomes of it. */
  readonly path: 'direct' | 'enriched' | 'refused' | 'dropped'
  /** How often its call fails before it answers. */
  readonly failures: number
  /** How long each call takes. */
  readonly tookMs: number
}

const events = streamTopic('events', { key: string(), value: json<Event>() })
const results = streamTopic('results', { key: string(), value: json<number>() })

const event = fc.record({
  path: fc.constantFrom('direct', 'enriched', 'enriched', 'refused', 'dropped'),
  failures: fc.integer({ min: 0, max: 2 }),
  tookMs: fc.integer({ min: 0, max: 39 }),
  key: fc.constantFrom('a', 'b', 'c', 'd', 'e', null),
  pauseMs: fc.constantFrom(0, 0, 0, 5, 30),
})

test('with failing and slow calls, each record comes out once and in order per key, whichever branch it takes', async () => {
  await oracleAsync(
    fc.asyncProperty(fc.array(event, { maxLength: 60 }), async history => {
      const driver = await TopologyTestDriver.create(slowTopology(driverClock))
      clock = driver.clock
      const input = driver.input(events)
      for (const [id, { key, pauseMs, ...rest }] of history.entries()) {
        input.put(key, { id, ...rest })
        if (pauseMs > 0) await driver.advance(pauseMs)
      }
      await driver.advance(600_000)
      assert.equal(driver.inFlight, 0)

      const taken = driver.output(results).take()
      for (const key of ['a', 'b', 'c', 'd', 'e']) {
        const expected = history.flatMap(({ key: of, path }, id) =>
          of === key && (path === 'direct' || path === 'enriched') ? [id] : [],
        )
        assert.deepEqual(
          taken.filter(record => record.key === key).map(record => record.value),
          expected,
        )
      }
      const refused = history.filter(({ path }) => path === 'refused').length
      assert.equal(driver.takeDeadLetters().length, refused)
      const finished = history.filter(({ path }) => path === 'direct' || path === 'enriched').length
      assert.equal(taken.length, finished)
      await driver.close()
    }),
    { runs: 2_000 },
  )
})

let clock: TopologyTestDriver['clock']
const driverClock = (): TopologyTestDriver['clock'] => clock

function slowTopology(timeOf: () => TopologyTestDriver['clock']) {
  const attempts = new Map<number, number>()
  const builder = topology('slow')
  const { direct, called } = builder
    .stream(events)
    .filter(({ path }) => path !== 'dropped')
    .split({ direct: ({ path }) => path === 'direct' }, { default: 'called' })
  direct.mapValues(({ id }) => id).to(results)
  called
    .enrich({
      using: async ({ id, path, failures, tookMs }, _, { signal }) => {
        const attempt = (attempts.get(id) ?? 0) + 1
        attempts.set(id, attempt)
        // Early attempts may also outlast the timeout.
        await timeOf().sleep(attempt <= failures ? tookMs * 2 : tookMs, { signal })
        if (path === 'refused') throw Object.assign(new Error('404'), { retry: { kind: 'never' } })
        if (attempt <= failures) throw new Error('503')
        return id
      },
      joiner: (_, id) => id,
      maxInFlight: 3,
      timeoutMs: 40,
      retry: { baseMs: 10, maxMs: 100 },
    })
    .to(results)
  return builder.build()
}
