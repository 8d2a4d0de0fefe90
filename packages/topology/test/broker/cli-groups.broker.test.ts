import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { string, streamTopic, topology, type KafkaClient, type Topology } from '@tributary/topology'
import { until } from '../../../../test-support/until.ts'
import type { LagReport } from '../../src/cli/group/measure-lag.ts'
import { tributary, type Outcome } from '../cli/dlq-support.ts'
import { brokers, hasConsumerProtocol, skip, useQuickHeartbeats } from './kafka-tools.ts'
import { freshId, openClient, put, start } from './support.ts'

const PARTITIONS = 3
const text = { key: string(), value: string() }

function cli(...args: readonly string[]): Promise<Outcome> {
  return tributary([...args, '--brokers', brokers.join(',')])
}

async function lagOf(group: string): Promise<LagReport> {
  const { code, out, err } = await cli('lag', group, '--json')
  assert.deepEqual([code, err], [0, ''])
  return JSON.parse(out) as LagReport
}

interface Stage {
  readonly kafka: KafkaClient
  readonly id: string
  readonly source: string
  readonly built: Topology
  readonly seen: string[]
}

async function stage(t: TestContext): Promise<Stage> {
  const kafka = openClient(t)
  const id = freshId('cli-groups')
  const source = `${id}-words`
  await kafka.admin.createTopics([{ name: source, partitions: PARTITIONS }])
  const seen: string[] = []
  const builder = topology(id)
  builder.stream(streamTopic(source, text)).foreach(word => void seen.push(word))
  await useQuickHeartbeats(id)
  return { kafka, id, source, built: builder.build(), seen }
}

const words = (from: number, to: number): (readonly [string, string])[] =>
  Array.from({ length: to - from }, (_, i) => [`k${(from + i) % 11}`, `w${from + i}`])

for (const protocol of ['consumer', 'classic'] as const) {
  test(`lag and reset of a group of the ${protocol} protocol`, { skip }, async t => {
    const { kafka, id, source, built, seen } = await stage(t)
    const target = { topic: source, partitions: PARTITIONS }
    await put(kafka, target, words(0, 40))
    const app = await start(t, built, {
      groupProtocol: protocol,
      clientId: 'cli-test',
    })
    await until('all is committed', async () => {
      const { total, partitions } = await lagOf(id)
      return total.lag === 0 && partitions.length === PARTITIONS && total.withoutCommit === 0
    })
    const running = await lagOf(id)
    assert.equal(running.state, 'Stable')
    assert.equal(running.protocol, (await hasConsumerProtocol()) ? protocol : 'classic')
    assert.deepEqual([running.members, running.total.withoutOwner], [1, 0])
    for (const { owner, committed, end } of running.partitions) {
      assert.deepEqual([owner?.instanceId, owner?.clientId], [null, 'cli-test'])
      assert.equal(committed, end)
    }
    const refused = await cli('reset', id, '--to-earliest', '--all-topics', '--execute')
    assert.equal(refused.code, 1)
    const [owner] = running.partitions.map(partition => partition.owner)
    assert.ok(refused.err.includes(`  ${owner?.memberId} (cli-test at `), refused.err)

    await app.close()
    await until('the group is empty', async () => (await lagOf(id)).members === 0)
    const before = Date.now()
    await put(kafka, target, words(40, 50))
    const stopped = await lagOf(id)
    assert.deepEqual(
      [stopped.state, stopped.total.lag, stopped.total.withoutOwner],
      ['Empty', 10, PARTITIONS],
    )
    assert.ok(stopped.total.lagMs >= 0 && stopped.total.lagMs <= Date.now() - before + 1_000)
    assert.equal((await cli('lag', id, '--max-records', '1')).code, 3)

    const dry = await cli('reset', id, '--to-earliest', '--all-topics')
    assert.match(dry.out, /nothing was changed; --execute would move 3 of 3 partitions/)
    assert.equal((await lagOf(id)).total.lag, 10)
    const done = await cli('reset', id, '--to-earliest', '--all-topics', '--execute', '--json')
    assert.deepEqual([done.code, done.err], [0, ''])
    assert.equal((await lagOf(id)).total.lag, 50)

    seen.length = 0
    const again = await start(t, built, { groupProtocol: protocol })
    await until('everything is read once more', () => seen.length >= 50)
    await until('it is committed', async () => (await lagOf(id)).total.lag === 0)
    await again.close()
    const skipped = await cli(
      'reset',
      id,
      '--to-offset',
      '2',
      '--topic',
      `${source}:1`,
      '--execute',
      '--json',
    )
    assert.equal(skipped.code, 0)
    const partial = await lagOf(id)
    assert.deepEqual(
      partial.partitions.map(({ committed, end }) => (committed === end ? 'end' : committed)),
      ['end', 2, 'end'],
    )
  })
}

test('a group is given its first offsets by a reset to a moment', { skip }, async t => {
  const { kafka, id, source, built, seen } = await stage(t)
  await put(kafka, { topic: source, partitions: PARTITIONS }, words(0, 20))
  // Timestamps are in milliseconds: the next one is a later moment.
  const moment = Date.now() + 1
  await until('the moment has come', () => Date.now() > moment)
  await put(kafka, { topic: source, partitions: PARTITIONS }, words(20, 30))
  assert.match((await cli('lag', id)).err, /There is no group/)
  const time = new Date(moment).toISOString()
  const { code, err } = await cli('reset', id, '--to-datetime', time, '--topic', source, '--execute')
  assert.deepEqual([code, err], [0, ''])
  assert.equal((await lagOf(id)).total.lag, 10)
  await start(t, built, { instanceId: `${id}-a` })
  await until('only later records are read', async () => (await lagOf(id)).total.lag === 0)
  for (const { owner } of (await lagOf(id)).partitions) assert.equal(owner?.instanceId, `${id}-a`)
  assert.deepEqual(
    seen.toSorted(),
    words(20, 30)
      .map(([, word]) => word)
      .toSorted(),
  )
})
