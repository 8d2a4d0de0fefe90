import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import {
  Connection,
  consumerGroupDescribeV0,
  consumerGroupHeartbeatV1,
  describeGroupsV5,
  findCoordinatorV4,
  leaveGroupV5,
  parseBroker,
  type API,
} from '@platformatic/kafka'
import { createTopic, isCode, openClient } from '../conformance/client-conformance.ts'
import { GroupRecorder } from '../conformance/group-recorder.ts'
import { until } from '../conformance/until.ts'
import {
  brokers,
  createBrokerClient,
  hasConsumerProtocol,
  skip,
  useQuickHeartbeats,
  watchConnections,
} from './kafka-tools.ts'

const subject = { createClient: createBrokerClient }

async function askCoordinator<A extends unknown[], R>(
  groupId: string,
  api: API<A, R>,
  ...args: A
): Promise<R> {
  const bootstrap = new Connection('topology-test')
  const { host, port } = parseBroker(brokers[0]!)
  await bootstrap.connect(host, port)
  const { coordinators } = await findCoordinatorV4.api.async(bootstrap, 0, [groupId])
  await bootstrap.close()
  const coordinator = new Connection('topology-test')
  await coordinator.connect(coordinators[0]!.host, coordinators[0]!.port)
  try {
    return await api.async(coordinator, ...args)
  } finally {
    await coordinator.close()
  }
}

/** Says the farewell of the group's only member in its place. */
async function putOut(groupId: string, protocol: 'consumer' | 'classic'): Promise<void> {
  if (protocol === 'consumer' && (await hasConsumerProtocol())) {
    const { groups } = await askCoordinator(groupId, consumerGroupDescribeV0.api, [groupId], false)
    const { memberId } = groups[0]!.members[0]!
    const args = [groupId, memberId, -1, null, null, -1, null, null, null, null] as const
    await askCoordinator(groupId, consumerGroupHeartbeatV1.api, ...args)
  } else {
    const { groups } = await askCoordinator(groupId, describeGroupsV5.api, [groupId], false)
    const { memberId } = groups[0]!.members[0]!
    await askCoordinator(groupId, leaveGroupV5.api, groupId, [{ memberId }])
  }
}

for (const protocol of ['consumer', 'classic'] as const) {
  test(
    `a member that is put out loses all, may not commit, and joins again (${protocol} protocol)`,
    { skip },
    async t => {
      const client = await openClient(t, subject)
      const topic = await createTopic(client, 3)
      const groupId = `group-${randomUUID()}`
      await useQuickHeartbeats(groupId)
      const member = client.createGroupMember({ groupId, topics: [topic], protocol, sessionTimeoutMs: 1_500 })
      const recorder = new GroupRecorder()
      const onLost = recorder.onLost.bind(recorder)
      let commitAfterwards: Promise<void> = Promise.resolve()
      recorder.onLost = partitions => {
        commitAfterwards = member.commit([{ topic, partition: 0, offset: 9 }])
        commitAfterwards.catch(() => undefined)
        return onLost(partitions)
      }
      await member.join(recorder)
      await until('it has everything', () => recorder.owned.size === 3)
      await member.commit([{ topic, partition: 0, offset: 1 }])

      await putOut(groupId, protocol)
      await until('it has lost everything', () => recorder.lost.length === 3)
      await assert.rejects(commitAfterwards, isCode('TOPOLOGY_MEMBER_FENCED'))
      await until('it is back', () => recorder.owned.size === 3)
      await member.commit([{ topic, partition: 0, offset: 2 }])
      assert.deepEqual(await member.committed([{ topic, partition: 0 }]), [2])
      await member.leave()
      assert.deepEqual(recorder.errors, [])
    },
  )

  test(`commits and membership survive broken connections (${protocol} protocol)`, { skip }, async t => {
    const connections = watchConnections(t)
    const client = await openClient(t, subject)
    const topic = await createTopic(client, 2)
    const groupId = `group-${randomUUID()}`
    await useQuickHeartbeats(groupId)
    const member = client.createGroupMember({ groupId, topics: [topic], protocol })
    const recorder = new GroupRecorder()
    await member.join(recorder)
    await until('it has everything', () => recorder.owned.size === 2)
    for (let offset = 1; offset <= 20; offset += 1) {
      const committing = member.commit([{ topic, partition: 1, offset }])
      for (const connection of connections) {
        connections.delete(connection)
        connection.socket?.destroy()
      }
      await committing
    }
    assert.deepEqual(await member.committed([{ topic, partition: 1 }]), [20])
    await member.leave()
    assert.deepEqual([recorder.lost, recorder.errors, recorder.owned.size], [[], [], 0])
  })

  test(
    `heartbeats go on while a revocation takes longer than a session (${protocol} protocol)`,
    { skip },
    async t => {
      const client = await openClient(t, subject)
      const topic = await createTopic(client, 2)
      const groupId = `group-${randomUUID()}`
      await useQuickHeartbeats(groupId, 1_000)
      const options = { groupId, topics: [topic], protocol, sessionTimeoutMs: 1_000 }
      const [first, second] = [new GroupRecorder(), new GroupRecorder()]
      const a = client.createGroupMember(options)
      await a.join(first)
      await until('it has everything', () => first.owned.size === 2)
      const started = Promise.withResolvers<number>()
      first.whileRevoking = async partitions => {
        started.resolve(performance.now())
        const start = performance.now()
        await until('two sessions have passed', () => performance.now() - start > 2_200)
        await a.commit(partitions.map(partition => ({ ...partition, offset: 7 })))
      }
      const b = client.createGroupMember(options)
      const joining = b.join(second)
      await until('both have one', () => first.owned.size === 1 && second.owned.size === 1)
      await joining
      assert.deepEqual(first.lost, [])
      const moved = [0, 1].find(partition => second.owned.has(`${topic}-${partition}`))!
      assert.deepEqual(await b.committed([{ topic, partition: moved }]), [7])
      first.whileRevoking = () => Promise.resolve()
      await Promise.all([a.leave(), b.leave()])
      assert.deepEqual([first.errors, second.errors], [[], []])
    },
  )

  test(
    `a static member comes back to its partitions, which nobody else got meanwhile (${protocol} protocol)`,
    { skip },
    async t => {
      const client = await openClient(t, subject)
      const topic = await createTopic(client, 4)
      const groupId = `group-${randomUUID()}`
      await useQuickHeartbeats(groupId)
      const options = { groupId, topics: [topic], protocol } as const
      const [other, before, after] = [new GroupRecorder(), new GroupRecorder(), new GroupRecorder()]
      const a = client.createGroupMember({ ...options, instanceId: 'a' })
      const b = client.createGroupMember({ ...options, instanceId: 'b' })
      await a.join(other)
      await b.join(before)
      await until('both have two', () => other.owned.size === 2 && before.owned.size === 2)
      const owned = new Set(before.owned)
      await b.leave()
      const again = client.createGroupMember({ ...options, instanceId: 'b' })
      await again.join(after)
      await until('it has its partitions', () => after.owned.size === 2)
      assert.deepEqual(after.owned, owned)
      assert.equal(other.owned.size, 2)
      await Promise.all([a.leave(), again.leave()])
    },
  )
}
