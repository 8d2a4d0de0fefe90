import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { InMemorySchemaRegistry } from '@tributary/topology/testing'
import type { FastifyInstance } from 'fastify'
import { pino, type Logger } from 'pino'
import { until } from '../../../test-support/until.ts'
import { BEARER, CONFIG, consoleUnderTest, runningService, snapshotWhen } from './console-under-test.ts'

const TOPIC = 'greeter-dead-letters'

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

async function post(server: FastifyInstance, path: string, payload: object): Promise<Answer> {
  const answer = await server.inject({ method: 'POST', url: path, headers: BEARER, payload })
  return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() }
}

/** A console on a service that has dead-lettered two records. */
async function withDeadLetters(t: TestContext, isReplayAllowed: boolean, logger?: Logger) {
  const { instance, kafka } = await runningService(t)
  const server = consoleUnderTest(t, {
    config: { ...CONFIG, instances: [instance], isReplayAllowed },
    ...(logger === undefined ? {} : { logger }),
    kafka: { connect: () => kafka.anotherClient(), openRegistry: () => new InMemorySchemaRegistry() },
  })
  kafka.put('words', { key: 'ada@example.com', value: 'bad' })
  kafka.put('words', { key: 'bob@example.com', value: 'bad' })
  await until('both are dead letters', () => kafka.records(TOPIC).length === 2, { everyMs: 20 })
  await snapshotWhen(server, 'the topic is known', snapshot => snapshot.deadLetterTopics.includes(TOPIC))
  return { server, kafka }
}

test('a table says what Kafka has for a key, its contents only when they are asked for', async t => {
  const { instance, kafka } = await runningService(t)
  const server = consoleUnderTest(t, {
    config: { ...CONFIG, instances: [instance] },
    kafka: { connect: () => kafka.anotherClient(), openRegistry: () => new InMemorySchemaRegistry() },
  })
  const { tables } = await snapshotWhen(server, 'the table is live', each => each.tables[0]?.state === 'live')
  assert.deepEqual(
    tables.map(({ table, topic, scope, rows }) => [table, topic, scope, rows]),
    [[tables[0]!.table, 'names', 'global', 2]],
  )
  const look = (body: object): Promise<Answer> => post(server, '/api/tables/lookup', body)
  const masked = await look({ topic: 'names', key: 'hello' })
  assert.equal(masked.body['state'], 'row')
  assert.equal(masked.body['row'], '3 bytes')
  const whole = await look({ topic: 'names', key: 'hello', isUnmasked: true })
  assert.equal(whole.body['row'], '"Ada"')
  assert.equal((await look({ topic: 'names', key: '--help' })).body['state'], 'never-seen')
  assert.equal((await look({ topic: 'words', key: 'k' })).status, 404)
  assert.equal((await look({ topic: 'names', key: 'k', more: 1 })).status, 400)
  assert.equal((await look({ topic: '../names', key: 'k' })).status, 400)
  assert.equal((await look({ topic: 'names', key: 7 })).status, 400)
})

test('dead letters are listed and shown without what may be personal, until that is asked for', async t => {
  const { server } = await withDeadLetters(t, false)
  const list = await post(server, '/api/dead-letters/list', { topic: TOPIC })
  assert.equal(list.body['total'], 2)
  assert.deepEqual(list.body['counts'], { TOPOLOGY_PROCESSING_FAILED: 2 })
  const [letter] = list.body['letters'] as readonly { readonly partition: number; readonly offset: number }[]
  const place = { topic: TOPIC, partition: letter!.partition, offset: letter!.offset }
  const masked = await post(server, '/api/dead-letters/show', place)
  assert.equal(masked.body['code'], 'TOPOLOGY_PROCESSING_FAILED')
  for (const text of [list, masked].map(each => JSON.stringify(each)))
    assert.doesNotMatch(text, /example\.com|YWRh|that word|valueBase64|keyBase64/)
  const whole = await post(server, '/api/dead-letters/show', { ...place, isUnmasked: true })
  assert.match(Buffer.from(String(whole.body['keyBase64']), 'base64').toString(), /@example\.com$/)
  assert.equal(Buffer.from(String(whole.body['valueBase64']), 'base64').toString(), 'bad')
  assert.equal((await post(server, '/api/dead-letters/show', { ...place, offset: 99 })).status, 502)
  assert.equal((await post(server, '/api/dead-letters/show', { ...place, offset: -1 })).status, 400)
  assert.equal((await post(server, '/api/dead-letters/list', { topic: 'words' })).status, 404)
})

test('nothing is replayed by a console that may only read', async t => {
  const { server, kafka } = await withDeadLetters(t, false)
  for (const body of [{ topic: TOPIC }, { topic: TOPIC, confirmed: 2 }])
    assert.equal((await post(server, '/api/dead-letters/replay', body)).status, 403)
  assert.equal(kafka.records('words').length, 2)
})

test('letters are replayed by choice, then the others, each after it was said how many that are', async t => {
  const { server, kafka } = await withDeadLetters(t, true)
  const replay = (body: object): Promise<Answer> =>
    post(server, '/api/dead-letters/replay', { topic: TOPIC, ...body })
  const toPlay = async (body: object): Promise<unknown> =>
    ((await replay(body)).body['plan'] as { readonly toPlay: number }).toPlay
  const list = await post(server, '/api/dead-letters/list', { topic: TOPIC })
  const [first] = list.body['letters'] as readonly { readonly partition: number; readonly offset: number }[]
  const letters = [{ partition: first!.partition, offset: first!.offset }]
  assert.equal(await toPlay({ letters }), 1)
  assert.equal(await toPlay({}), 2)
  const both = (
    list.body['letters'] as readonly { readonly partition: number; readonly offset: number }[]
  ).map(({ partition, offset }) => ({ partition, offset }))
  assert.equal(await toPlay({ letters: both }), 2)
  for (const wrong of [[], [{ partition: 0 }], [{ partition: 0, offset: '0' }], 'all'])
    assert.equal((await replay({ letters: wrong })).status, 400, JSON.stringify(wrong))
  assert.equal(kafka.records('words').length, 2, 'a question plays nothing')
  assert.equal((await replay({ letters, confirmed: 1 })).body['played'], 1)
  assert.equal(kafka.records('words').length, 3)
  assert.equal(await toPlay({ letters }), 0)
  // It fails again, and is a dead letter again. What was confirmed is no longer what would be played.
  await until('it is back', () => kafka.records(TOPIC).length === 3, { everyMs: 20 })
  const other = await replay({ confirmed: 1 })
  assert.equal(other.status, 409)
  assert.equal(kafka.records('words').length, 3)
  assert.equal((await replay({ confirmed: 2 })).body['played'], 2)
  assert.equal(kafka.records('words').length, 5)
})

test('the graph has the steps, what went through them and what ended there', async t => {
  const { server } = await withDeadLetters(t, false)
  const { graphs } = await snapshotWhen(server, 'all is counted', ({ graphs: [graph] }) => {
    const [source] = graph?.steps ?? []
    return source?.out === 2
  })
  const steps = graphs[0]!.steps
  assert.deepEqual(
    steps.map(({ kind, reads, table, writes, inputs }) => [kind, reads ?? table ?? writes[0], inputs.length]),
    [
      ['source', 'words', 0],
      ['join', steps[1]!.table, 1],
      ['sink', 'shouts', 1],
    ],
  )
  assert.deepEqual(
    steps.map(step => [step.in, step.out, step.deadLetters]),
    [
      [2, 2, {}],
      [2, 0, { TOPOLOGY_PROCESSING_FAILED: 2 }],
      [0, 0, {}],
    ],
  )
})

test('an application has a past as soon as the console has looked at it for a while', async t => {
  const { server } = await withDeadLetters(t, false)
  await until(
    'there are two points',
    async () => {
      const answer = await server.inject({ method: 'GET', url: '/api/history', headers: BEARER })
      const points =
        answer.json<Record<string, readonly { readonly lagRecords: number }[]>>()['greeter'] ?? []
      return points.length >= 2 && points.at(-1)!.lagRecords === 0
    },
    { everyMs: 100 },
  )
})

test('the log has of a lookup, a letter and a replay how many there were, and nothing of whom', async t => {
  const lines: string[] = []
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  const { server, kafka } = await withDeadLetters(t, true, logger)
  const key = 'ada@example.com'
  await snapshotWhen(server, 'the table is live', each => each.tables[0]?.state === 'live')
  assert.equal((await post(server, '/api/tables/lookup', { topic: 'names', key })).status, 200)
  const list = await post(server, '/api/dead-letters/list', { topic: TOPIC })
  const [letter] = list.body['letters'] as readonly { readonly partition: number; readonly offset: number }[]
  const place = { partition: letter!.partition, offset: letter!.offset }
  await post(server, '/api/dead-letters/show', { topic: TOPIC, ...place, isUnmasked: true })
  await post(server, '/api/dead-letters/replay', { topic: TOPIC, letters: [place], confirmed: 1 })
  assert.equal(kafka.records('words').length, 3)
  assert.ok(lines.some(line => line.includes('dead letters were replayed')))
  for (const line of lines) assert.doesNotMatch(line, /example\.com|YWRh|that word/)
})
