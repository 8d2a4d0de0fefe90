import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import type { GroupMember, GroupOptions, KafkaClient } from '../../src/client/ports.ts'
import { createTopic, isCode, openClient } from './client-conformance.ts'
import { GroupRecorder } from './group-recorder.ts'
import { until } from './until.ts'

export interface GroupsUnderTest {
  readonly name: string
  readonly options: Pick<GroupOptions, 'protocol' | 'sessionTimeoutMs'>
  createClient(): KafkaClient
  /** Called with each group id before it is used. */
  prepareGroup(groupId: string): Promise<void>
}

interface Joined {
  readonly member: GroupMember
  readonly recorder: GroupRecorder
}

interface Group {
  readonly client: KafkaClient
  readonly topics: readonly [string, string]
  readonly groupId: string
  create(): GroupMember
  join(recorder?: GroupRecorder): Promise<Joined>
}

const PARTITIONS = 6

/** What every implementation of group membership does. */
export function groupConformance(subject: GroupsUnderTest): void {
  const { name } = subject

  async function openGroup(t: TestContext): Promise<Group> {
    const client = await openClient(t, subject)
    const topics = [await createTopic(client, PARTITIONS), await createTopic(client, PARTITIONS)] as const
    const groupId = `conformance-${randomUUID()}`
    await subject.prepareGroup(groupId)
    const create = (): GroupMember => client.createGroupMember({ groupId, topics, ...subject.options })
    return {
      client,
      topics,
      groupId,
      create,
      async join(recorder = new GroupRecorder()) {
        const member = create()
        await member.join(recorder)
        return { member, recorder }
      },
    }
  }

  /** Everything is owned, nothing twice, and the same numbers of both topics are together. */
  function isShared({ topics }: Group, joined: readonly Joined[]): boolean {
    const [first, second] = topics
    const owned = joined.flatMap(({ recorder }) => [...recorder.owned])
    if (owned.length !== 2 * PARTITIONS || new Set(owned).size !== owned.length) return false
    return joined.every(({ recorder }) =>
      Array.from({ length: PARTITIONS }, (_, p) => p).every(
        p => recorder.owned.has(`${first}-${p}`) === recorder.owned.has(`${second}-${p}`),
      ),
    )
  }

  test(`${name}: members share all partitions, numbers of all topics together, as they come and go`, async t => {
    const group = await openGroup(t)
    const a = await group.join()
    await until('one member has everything', () => isShared(group, [a]))
    const b = await group.join()
    await until('two share', () => isShared(group, [a, b]) && b.recorder.owned.size === PARTITIONS)
    const c = await group.join()
    await until('three share', () => isShared(group, [a, b, c]) && c.recorder.owned.size === 4)
    await b.member.leave()
    assert.equal(b.recorder.owned.size, 0)
    await until('the others have taken over', () => isShared(group, [a, c]))
    await Promise.all([a.member.leave(), c.member.leave()])
    for (const { recorder } of [a, b, c])
      assert.deepEqual([recorder.owned.size, recorder.lost, recorder.errors], [0, [], []])
  })

  test(`${name}: offsets are committed for the group and found by the next member`, async t => {
    const group = await openGroup(t)
    const [topic] = group.topics
    const partitions = Array.from({ length: 4 }, (_, partition) => ({ topic, partition }))
    const a = await group.join()
    await until('it has everything', () => isShared(group, [a]))
    assert.deepEqual(await a.member.committed(partitions), [undefined, undefined, undefined, undefined])
    await a.member.commit([
      { topic, partition: 2, offset: 7 },
      { topic, partition: 0, offset: 0 },
    ])
    await a.member.commit([{ topic, partition: 2, offset: 9, metadata: 'kept beside it' }])
    await a.member.commit([])
    assert.deepEqual(await a.member.committed(partitions), [0, undefined, 9, undefined])
    assert.deepEqual(await a.member.committedOffsets(partitions), [
      { topic, partition: 0, offset: 0, metadata: '' },
      undefined,
      { topic, partition: 2, offset: 9, metadata: 'kept beside it' },
      undefined,
    ])
    await a.member.leave()
    assert.deepEqual(await group.create().committed(partitions.toReversed()), [undefined, 9, undefined, 0])
  })

  test(`${name}: a revoked partition is handed over only when its owner has drained and committed`, async t => {
    const group = await openGroup(t)
    const [topic] = group.topics
    const a = await group.join()
    await until('it has everything', () => isShared(group, [a]))
    const draining = Promise.withResolvers<void>()
    let revoked: readonly { topic: string; partition: number }[] = []
    a.recorder.whileRevoking = async partitions => {
      revoked = partitions
      await draining.promise
      await a.member.commit(
        partitions.map(partition => ({ ...partition, offset: 100 + partition.partition })),
      )
    }
    const b = { member: group.create(), recorder: new GroupRecorder() }
    const joining = b.member.join(b.recorder)
    await until('the revocation has begun', () => revoked.length > 0)
    const names = revoked.filter(partition => partition.topic === topic)
    // Another round trip to the group, and still nobody else has them.
    await a.member.committed(names)
    assert.equal(b.recorder.owned.size, 0)
    draining.resolve()
    await joining
    await until(
      'the new member has its share',
      () => isShared(group, [a, b]) && b.recorder.owned.size === PARTITIONS,
    )
    const handedOver = names.filter(({ partition }) => b.recorder.owned.has(`${topic}-${partition}`))
    assert.equal(handedOver.length, PARTITIONS / 2)
    assert.deepEqual(
      await b.member.committed(handedOver),
      handedOver.map(({ partition }) => 100 + partition),
    )
    a.recorder.whileRevoking = () => Promise.resolve()
    await Promise.all([a.member.leave(), b.member.leave()])
    assert.deepEqual([...a.recorder.errors, ...b.recorder.errors], [])
  })

  test(`${name}: a commit is refused from whoever does not own the partition`, async t => {
    const group = await openGroup(t)
    const [topic] = group.topics
    const a = await group.join()
    await until('it has everything', () => isShared(group, [a]))
    const b = await group.join()
    await until('two share', () => isShared(group, [a, b]) && b.recorder.owned.size === PARTITIONS)
    const foreign = [0, 1, 2, 3, 4, 5].find(p => b.recorder.owned.has(`${topic}-${p}`))!
    const own = [0, 1, 2, 3, 4, 5].find(p => a.recorder.owned.has(`${topic}-${p}`))!
    await a.member.commit([{ topic, partition: own, offset: 1 }])
    await assert.rejects(
      a.member.commit([
        { topic, partition: own, offset: 2 },
        { topic, partition: foreign, offset: 2 },
      ]),
      isCode('TOPOLOGY_MEMBER_FENCED'),
    )
    await a.member.leave()
    await assert.rejects(
      a.member.commit([{ topic, partition: own, offset: 2 }]),
      isCode('TOPOLOGY_MEMBER_FENCED'),
    )
    await assert.rejects(
      group.create().commit([{ topic, partition: own, offset: 2 }]),
      isCode('TOPOLOGY_MEMBER_FENCED'),
    )
    await b.member.leave()
    assert.deepEqual(await group.create().committed([{ topic, partition: own }]), [1])
  })
}
