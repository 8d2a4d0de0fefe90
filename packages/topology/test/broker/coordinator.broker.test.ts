import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { offsetFetchV9 } from '@platformatic/kafka'
import { Cluster } from '../../src/client/platformatic/cluster.ts'
import { Coordinator } from '../../src/client/platformatic/coordinator.ts'
import { clientSettings } from '../../src/client/platformatic/options.ts'
import { TopologyError } from '../../src/errors.ts'
import { brokers, skip } from './kafka-tools.ts'

test(
  'a request that is under way when the coordinator turns out to be elsewhere can be tried again',
  { skip },
  async t => {
    const cluster = new Cluster(clientSettings({ brokers, clientId: 'topology-test' }))
    const groupId = `coordinator-${randomUUID()}`
    const coordinator = new Coordinator(cluster, { kind: 'group', id: groupId }, 10_000)
    t.after(() => Promise.all([coordinator.close(), cluster.close()]))
    const ask = () =>
      coordinator.call(offsetFetchV9.api, [{ groupId, memberId: null, memberEpoch: -1, topics: [] }], true)
    await ask()
    const underWay = ask()
    // As another request's answer has it done.
    coordinator.forget()
    await assert.rejects(underWay, error => {
      assert.ok(TopologyError.is(error))
      assert.equal(error.code, 'TOPOLOGY_BROKER_UNAVAILABLE')
      assert.equal(error.retry.kind, 'backoff')
      return true
    })
    await ask()

    const last = ask()
    const closed = coordinator.close()
    await assert.rejects(last, { code: 'TOPOLOGY_CLOSED' })
    await closed
  },
)
