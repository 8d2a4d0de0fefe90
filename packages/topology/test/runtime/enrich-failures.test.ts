import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { AppConfig } from '../../src/config.ts'
import { topology } from '../../src/dsl/builder.ts'
import type { EnrichOptions } from '../../src/dsl/step-options.ts'
import { App } from '../../src/runtime/app.ts'
import { string } from '../../src/serde/primitives.ts'
import { createFakeClient, type FakeClient } from '../../src/testing/fake-client.ts'
import { streamTopic } from '../../src/topic.ts'
import { until } from '../../../../test-support/until.ts'

/* What becomes of records whose call fails for good, and of the others while calls have no answer. */

const text = { key: string(), value: string() }
const words = streamTopic('words', text)
const outputs = streamTopic('outputs', text)

type Options = Pick<
  EnrichOptions<string | null, string, string, string, string>,
  'using' | 'onFailure' | 'retry' | 'timeoutMs'
>

async function enriching(
  t: TestContext,
  options: Options,
  { partitions = 1, ...config }: Partial<AppConfig> & { readonly partitions?: number } = {},
): Promise<{ readonly kafka: FakeClient; readonly app: App }> {
  const kafka = createFakeClient({
    topics: [
      { name: 'words', partitions },
      { name: 'outputs', partitions },
    ],
  })
  const builder = topology('enriching')
  builder
    .stream(words)
    .enrich({
      name: 'looked-up',
      joiner: (word, result) => `${word} ${result}`,
      ...options,
    })
    .to(outputs)
  const app = new App(
    builder.build().compiled,
    {
      kafka,
      commitIntervalMs: 10,
      lingerMs: 1,
      shutdownTimeoutMs: 1_000,
      ...config,
    },
    { connect: () => ({ kafka, registry: undefined }) },
  )
  t.after(() => app.close().catch(() => undefined))
  await app.start()
  return { kafka, app }
}

const values = (kafka: FakeClient, partition?: number): string[] =>
  kafka.records('outputs', partition).map(({ value }) => String(value))
const committed = (kafka: FakeClient, partition = 0): number | undefined =>
  kafka.committed('enriching', 'words', partition)

/** As a 404 comes. */
function notFound(): Error {
  return Object.assign(new Error('404'), { retry: { kind: 'never' } })
}

async function lookUp(word: string): Promise<string> {
  if (word === 'gone') throw notFound()
  return word.toUpperCase()
}

const POLICIES = [
  {
    onFailure: { fallback: 'unknown' },
    becomes: ['a A', 'gone unknown', 'b B'],
    drops: {},
    letters: 0,
  },
  {
    onFailure: 'drop',
    becomes: ['a A', 'b B'],
    drops: { 'looked-up': { 'enrichment-failed': 1 } },
    letters: 0,
  },
  { onFailure: 'dead-letter', becomes: ['a A', 'b B'], drops: {}, letters: 1 },
] as const

for (const { onFailure, becomes, drops, letters } of POLICIES) {
  const policy = typeof onFailure === 'object' ? 'fallback' : onFailure
  test(`a failure that trying again cannot mend follows the step's policy: ${policy}`, async t => {
    const { kafka, app } = await enriching(t, { using: lookUp, onFailure })
    for (const value of ['a', 'gone', 'b']) kafka.put('words', { key: 'k', value })
    await until('all are finished', () => committed(kafka) === 3)
    assert.deepEqual(values(kafka), becomes)
    const { counters } = app.stats()
    assert.deepEqual(counters.drops, drops)
    assert.deepEqual(counters.deadLettersByCode, letters === 0 ? {} : { TOPOLOGY_ENRICHMENT_FAILED: 1 })
    const [letter, ...more] = letters === 0 ? [] : kafka.records('enriching-dead-letters')
    assert.deepEqual(more, [])
    if (letter === undefined) return
    const headers = Object.fromEntries(letter.headers.map(([name, value]) => [name, String(value)]))
    assert.deepEqual([String(letter.key), String(letter.value)], ['k', 'gone'])
    assert.equal(headers['__streams.errors.offset'], '1')
  })
}

test("a failure that trying again cannot mend follows the step's policy: fail", async t => {
  const { kafka, app } = await enriching(t, {
    using: lookUp,
    onFailure: 'fail',
  })
  for (const value of ['a', 'gone', 'b']) kafka.put('words', { key: 'k', value })
  await assert.rejects(app.ended, { code: 'TOPOLOGY_ENRICHMENT_FAILED' })
  assert.equal(app.state, 'failed')
  assert.ok((committed(kafka) ?? 0) <= 1)
  assert.ok(!values(kafka).includes('b B'))
})

test('a call without an answer holds up its own partition, within its bound, and no other', async t => {
  const outage = Promise.withResolvers<void>()
  const using = async (word: string): Promise<string> => {
    if (word.startsWith('away')) await outage.promise
    return 'ok'
  }
  const { kafka, app } = await enriching(
    t,
    { using, timeoutMs: 600_000 },
    { partitions: 2, maxInFlightRecords: 5 },
  )
  const RECORDS = 200
  const inFlight = (): unknown => app.stats().tasks.map(task => [task.id, task.inFlight])
  for (let i = 0; i < RECORDS; i += 1) {
    kafka.put('words', { partition: 0, key: `k${i % 10}`, value: `away ${i}` })
    kafka.put('words', { partition: 1, key: `k${i % 10}`, value: `near ${i}` })
  }
  await until('the other partition is through', () => committed(kafka, 1) === RECORDS)
  assert.deepEqual(inFlight(), [
    ['0_0', 5],
    ['0_1', 0],
  ])
  assert.equal(committed(kafka, 0) ?? 0, 0)

  outage.resolve()
  await until('the held-up partition is through', () => committed(kafka, 0) === RECORDS)
  for (const place of ['away', 'near'])
    for (let key = 0; key < 10; key += 1) {
      const wanted = Array.from({ length: RECORDS / 10 }, (_, i) => `${place} ${i * 10 + key} ok`)
      const seen = kafka.records('outputs').filter(record => String(record.key) === `k${key}`)
      assert.deepEqual(
        seen.map(({ value }) => String(value)).filter(value => value.startsWith(place)),
        wanted,
      )
    }
})

test('an outage of any length is tried again without end, and ends in the answer', async t => {
  let calls = 0
  const using = async (): Promise<string> => {
    calls += 1
    if (calls <= 50) throw new Error('connection refused')
    return 'ok'
  }
  const { kafka, app } = await enriching(t, {
    using,
    retry: { baseMs: 1, maxMs: 1 },
  })
  kafka.put('words', { key: 'k', value: 'a' })
  await until('it is through', () => committed(kafka) === 1)
  assert.deepEqual([values(kafka), calls], [['a ok'], 51])
  assert.deepEqual(app.stats().counters.deadLettersByCode, {})
})

test('an application that ends for a failed call names the record whose call it was', async t => {
  const refusal = Promise.withResolvers<string>()
  const using = (word: string): Promise<string> => (word === 'gone' ? refusal.promise : Promise.resolve('ok'))
  const { kafka, app } = await enriching(t, { using, onFailure: 'fail' })
  kafka.put('words', { key: 'k', value: 'gone' })
  for (const key of ['l', 'm', 'n']) kafka.put('words', { key, value: key })
  await until('later ones are through', () => values(kafka).length === 3)
  refusal.reject(notFound())
  await assert.rejects(app.ended, {
    code: 'TOPOLOGY_ENRICHMENT_FAILED',
    message: /words-0@0,/,
  })
})
