import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFakeClient, type FakeClient } from '../../src/testing/fake-client.ts'
import { TestClock } from '../../src/testing/test-clock.ts'
import { durationText } from '../../src/cli/text.ts'
import { type Outcome, tributary } from './dlq-support.ts'

const NOW = 1_700_000_000_000

function cluster(): FakeClient {
  const kafka = createFakeClient({
    topics: [
      { name: 'orders', partitions: 3 },
      { name: 'events', partitions: 1 },
    ],
  })
  for (let i = 0; i < 10; i += 1)
    kafka.put('orders', { key: 'k', value: `v${i}`, partition: i % 2, timestampMs: NOW - 60_000 + i * 1_000 })
  return kafka
}

function run(kafka: FakeClient, args: readonly string[]): Promise<Outcome> {
  return tributary([...args, '--brokers', 'localhost:1'], {
    connect: () => kafka.anotherClient(),
    clock: new TestClock(NOW),
  })
}

async function join(kafka: FakeClient, groupId: string, instanceId?: string): Promise<void> {
  const member = kafka.createGroupMember({ groupId, topics: ['orders'], ...(instanceId && { instanceId }) })
  const assigned = Promise.withResolvers<void>()
  await member.join({
    onAssigned: async () => assigned.resolve(),
    onRevoked: async () => undefined,
    onLost: async () => undefined,
    onError: error => assigned.reject(error),
  })
  await assigned.promise
}

test('lag tells records and time behind, and who has each partition', async () => {
  const kafka = cluster()
  kafka.setCommitted('app', 'orders', 0, 2)
  kafka.setCommitted('app', 'orders', 1, 5)
  await join(kafka, 'app', 'pod-1')
  const { code, out } = await run(kafka, ['lag', 'app'])
  assert.equal(code, 0)
  assert.equal(
    out,
    [
      'app: Stable, 1 member (consumer protocol)',
      '',
      'partition  committed  end  records  behind  owner',
      'orders-0           2    5        3  56.0 s  pod-1 (fake at 127.0.0.1)',
      'orders-1           5    5        0    0 ms  pod-1 (fake at 127.0.0.1)',
      'orders-2           -    0        -       -  pod-1 (fake at 127.0.0.1)',
      '',
      '3 partitions: 3 records behind, 56.0 s at the most, 1 partition without a commit',
      '',
    ].join('\n'),
  )
})

test('lag of a stopped group has no owners, and its JSON says so', async () => {
  const kafka = cluster()
  kafka.setCommitted('app', 'orders', 0, 0)
  kafka.setCommitted('app', 'events', 0, 0)
  kafka.setCommitted('app', 'gone', 0, 7)
  kafka.deleteBefore('orders', 0, 2)
  const { out } = await run(kafka, ['lag', 'app', '--json', '--topic', 'orders'])
  const report = JSON.parse(out) as { partitions: object[]; total: object; state: string }
  assert.equal(report.state, 'Empty')
  assert.deepEqual(report.partitions[0], {
    topic: 'orders',
    partition: 0,
    committed: 0,
    start: 2,
    end: 5,
    owner: null,
    lag: 5,
    // Of the oldest record that is still there.
    lagMs: 56_000,
  })
  assert.deepEqual(report.total, { partitions: 3, lag: 5, lagMs: 56_000, withoutCommit: 2, withoutOwner: 3 })
  const all = JSON.parse((await run(kafka, ['lag', 'app', '--json'])).out) as {
    partitions: { topic: string }[]
  }
  assert.deepEqual(
    all.partitions.map(({ topic }) => topic),
    ['events', 'orders', 'orders', 'orders'],
  )
})

test('lag ends with 3 beyond a bound, and with 1 for a group that is none', async () => {
  const kafka = cluster()
  kafka.setCommitted('app', 'orders', 0, 2)
  const code = async (...args: readonly string[]): Promise<number> =>
    (await run(kafka, ['lag', 'app', ...args])).code
  assert.equal(await code('--max-records', '3', '--max-seconds', '56'), 0)
  assert.equal(await code('--max-records', '2'), 3)
  assert.equal(await code('--max-seconds', '55'), 3)
  const none = await run(kafka, ['lag', 'nobody'])
  assert.deepEqual([none.code, none.err], [1, 'There is no group nobody.\n'])
})

test('reset shows what it would do, and does it only when it is told to', async () => {
  const kafka = cluster()
  kafka.setCommitted('app', 'orders', 0, 4)
  const dry = await run(kafka, ['reset', 'app', '--to-earliest', '--all-topics'])
  assert.equal(
    dry.out,
    [
      'partition  committed  would be  effect',
      'orders-0           4         0  4 offsets read again',
      'orders-1           -         0  begins there',
      'orders-2           -         0  begins there',
      '',
      'app: nothing was changed; --execute would move 3 of 3 partitions.',
      '',
    ].join('\n'),
  )
  assert.equal(kafka.committed('app', 'orders', 0), 4)
  const done = await run(kafka, ['reset', 'app', '--to-earliest', '--all-topics', '--execute'])
  assert.equal(done.code, 0)
  assert.match(done.out, /app: 3 partitions set, 3 of them moved\./)
  assert.deepEqual(
    [0, 1, 2].map(partition => kafka.committed('app', 'orders', partition)),
    [0, 0, 0],
  )
})

test('reset goes to the end, a time or an offset, for the partitions that are chosen', async () => {
  const kafka = cluster()
  const planned = async (
    ...args: readonly string[]
  ): Promise<readonly (readonly [string, number, boolean])[]> => {
    const { code, out, err } = await run(kafka, ['reset', 'app', '--json', ...args])
    assert.equal(code, 0, err)
    const { partitions, isExecuted } = JSON.parse(out) as {
      partitions: { topic: string; partition: number; after: number; isBounded: boolean }[]
      isExecuted: boolean
    }
    assert.equal(isExecuted, false)
    return partitions.map(each => [`${each.topic}-${each.partition}`, each.after, each.isBounded])
  }
  assert.deepEqual(await planned('--to-latest', '--topic', 'orders:1,0', '--topic', 'events'), [
    ['orders-1', 5, false],
    ['orders-0', 5, false],
    ['events-0', 0, false],
  ])
  const time = new Date(NOW - 60_000 + 4_500).toISOString()
  assert.deepEqual(await planned('--to-datetime', time, '--topic', 'orders'), [
    ['orders-0', 3, false],
    ['orders-1', 2, false],
    ['orders-2', 0, false],
  ])
  kafka.deleteBefore('orders', 0, 3)
  assert.deepEqual(await planned('--to-offset', '1', '--topic', 'orders', '--topic', 'orders:0'), [
    ['orders-0', 3, true],
    ['orders-1', 1, false],
    ['orders-2', 0, true],
  ])
})

test('reset refuses a group with members, and names them', async () => {
  const kafka = cluster()
  await join(kafka, 'app', 'pod-1')
  const { code, err } = await run(kafka, ['reset', 'app', '--to-latest', '--topic', 'orders', '--execute'])
  assert.equal(code, 1)
  assert.match(
    err,
    /^The group app has a member, [^]*\n {2}pod-1 \(fake at 127\.0\.0\.1\)\nOne with an instance id/,
  )
  assert.equal(kafka.committed('app', 'orders', 0), undefined)
})

test('a wrong call of reset or lag connects to nothing', async () => {
  const connect = (): never => assert.fail('connected')
  for (const [args, complaint] of [
    [['reset', 'app', '--all-topics'], /Where to is missing: one of --to-earliest,/],
    [
      ['reset', 'app', '--to-latest', '--to-offset', '5', '--all-topics'],
      /--to-latest and --to-offset contradict/,
    ],
    [['reset', 'app', '--to-latest'], /Either --topic or --all-topics/],
    [['reset', 'app', '--to-latest', '--all-topics', '--topic', 'a'], /Either --topic or --all-topics/],
    [['reset', 'app', '--to-latest', '--all-topics', '--execute', '--dry-run'], /contradict/],
    [['reset', 'app', '--to-datetime', 'yesterday', '--all-topics'], /--to-datetime is "yesterday"; allowed/],
    [['reset', 'app', '--to-latest', '--topic', 'a:b'], /--topic is "a:b"; allowed: orders, orders:0,2/],
    [['reset'], /The group is missing/],
    [['lag'], /The group is missing/],
    [['lag', 'a', 'b'], /b is too much/],
    [['lag', 'app', '--max-records', '-'], /--max-records is "-"/],
  ] as const) {
    const { code, err } = await tributary([...args, '--brokers', 'x:1'], { connect })
    assert.equal(code, 2, args.join(' '))
    assert.match(err, complaint)
  }
  const kafka = cluster()
  for (const [args, complaint] of [
    [['--all-topics'], /has committed nothing: name the topics/],
    [['--topic', 'absent'], /There is no topic absent/],
    [['--topic', 'orders:3'], /orders has no partition 3: it has 3/],
  ] as const) {
    const { code, err } = await run(kafka, ['reset', 'app', '--to-latest', ...args])
    assert.equal(code, 1)
    assert.match(err, complaint)
  }
})

test('durations are shown in their two largest units', () => {
  for (const [ms, text] of [
    [0, '0 ms'],
    [999, '999 ms'],
    [1_000, '1.0 s'],
    [59_999, '59.9 s'],
    [65_000, '1 min 5 s'],
    [3_600_000, '1 h 0 min'],
    [90_000_000, '1 d 1 h'],
  ] as const)
    assert.equal(durationText(ms), text)
})
