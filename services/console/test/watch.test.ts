import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { freePort } from '../../../dev/stack/ports.ts'
import type { Snapshot } from '../src/snapshot.ts'
import { BEARER, CONFIG, consoleUnderTest, runningService, snapshotWhen } from './console-under-test.ts'

test('a snapshot has what an instance has: its partitions, how far they are, and what it counts', async t => {
  const { instance, kafka } = await runningService(t)
  const server = consoleUnderTest(t, { config: { ...CONFIG, instances: [instance] } })
  for (let i = 0; i < 5; i += 1) kafka.put('words', { key: `k${i}`, value: 'hello' })
  const snapshot = await snapshotWhen(server, 'all records are committed', ({ instances: [first] }) => {
    const partitions = first?.partitions ?? []
    return partitions.length === 2 && partitions.reduce((sum, { committed = 0 }) => sum + committed, 0) === 5
  })
  const [view] = snapshot.instances
  assert.equal(view!.service, 'greeter')
  assert.equal(view!.isReady, true)
  assert.deepEqual(
    view!.partitions.map(({ topic, partition, lag }) => [topic, partition, lag]),
    [
      ['words', 0, 0],
      ['words', 1, 0],
    ],
  )
  assert.equal(
    view!.partitions.reduce((sum, { end }) => sum + end, 0),
    5,
  )
  assert.deepEqual(snapshot.problems, [])
  const { name, instances, partitions, lagRecords } = snapshot.applications[0]!
  assert.deepEqual(
    { name, instances, partitions, lagRecords },
    {
      name: 'greeter',
      instances: 1,
      partitions: 2,
      lagRecords: 0,
    },
  )
})

test('dead letters that arrive are a problem, in words that say how many and why', async t => {
  const { instance, kafka } = await runningService(t)
  const server = consoleUnderTest(t, { config: { ...CONFIG, instances: [instance] } })
  await snapshotWhen(server, 'it was seen before', ({ instances }) => instances[0]!.isReachable)
  kafka.put('words', { key: 'k', value: 'bad' })
  kafka.put('words', { key: 'k', value: 'bad' })
  const { problems, applications } = await snapshotWhen(
    server,
    'both dead letters are counted',
    snapshot => snapshot.applications[0]?.deadLettersLastMinute === 2,
  )
  assert.equal(problems.length, 1)
  assert.equal(problems[0]!.text, 'greeter has written 2 dead letters in the last minute.')
  assert.match(problems[0]!.advice, /^TOPOLOGY_PROCESSING_FAILED at \S+ \(2\)\./)
  assert.equal(applications[0]!.deadLetters, 2)
})

test('an instance that answers no more is the first problem, and its figures are said to be old', async t => {
  const { instance, stop } = await runningService(t)
  const nobody = { name: 'greeter-2', url: `http://127.0.0.1:${await freePort()}` }
  const server = consoleUnderTest(t, { config: { ...CONFIG, instances: [instance, nobody] } })
  await snapshotWhen(server, 'the first is seen', ({ instances }) => instances[0]!.isReachable)
  await stop()
  const snapshot = await snapshotWhen(server, 'it is missed', ({ problems }) => problems.length === 2)
  const [gone, never] = snapshot.instances
  assert.equal(gone!.isReachable, false)
  assert.ok(gone!.seenAtMs! <= snapshot.atMs)
  assert.equal(gone!.partitions.length, 2)
  assert.equal(never!.seenAtMs, undefined)
  assert.deepEqual(
    snapshot.problems.map(({ severity }) => severity),
    ['critical', 'critical'],
  )
  assert.match(snapshot.problems[0]!.text, /^greeter-1 cannot be reached: /)
  assert.match(snapshot.problems[0]!.advice, /^It last answered /)
  assert.equal(snapshot.problems[1]!.text, 'greeter-2 cannot be reached: connection refused.')
  assert.match(snapshot.problems[1]!.advice, /^It has not answered yet/)
})

test('who listens gets a snapshot at once and then each second, until the console closes', async t => {
  const { instance } = await runningService(t)
  const server = consoleUnderTest(t, { config: { ...CONFIG, instances: [instance] } })
  await server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.server.address() as AddressInfo
  const response = await fetch(`http://127.0.0.1:${port}/api/events`, { headers: BEARER })
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'/)
  const times: number[] = []
  let text = ''
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
    text += part
    const events = text.split('\n\n')
    text = events.pop()!
    for (const event of events) times.push((JSON.parse(event.slice('data: '.length)) as Snapshot).atMs)
    if (times.length >= 3) void server.close()
  }
  assert.ok(times.length >= 3)
  assert.ok(times[2]! - times[1]! >= 900, JSON.stringify(times))
})
