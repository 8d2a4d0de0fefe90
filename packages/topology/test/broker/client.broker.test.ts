import { test } from 'node:test'
import { clientConformance } from '../conformance/client-conformance.ts'
import { groupConformance } from '../conformance/group-conformance.ts'
import { transactionConformance } from '../conformance/transaction-conformance.ts'
import { until } from '../../../../test-support/until.ts'
import {
  appendMarker,
  createBrokerClient,
  deleteBefore,
  hasConsumerProtocol,
  skip,
  useQuickHeartbeats,
} from './kafka-tools.ts'

if (skip === false) {
  clientConformance({ name: 'broker', createClient: createBrokerClient, appendMarker, deleteBefore })
  groupConformance({
    name: 'broker, consumer protocol',
    options: { protocol: 'consumer', sessionTimeoutMs: 1_500 },
    createClient: createBrokerClient,
    prepareGroup: useQuickHeartbeats,
  })
  groupConformance({
    name: 'broker, classic protocol',
    // Three heartbeats a session.
    options: { protocol: 'classic', sessionTimeoutMs: 1_500 },
    createClient: createBrokerClient,
    prepareGroup: () => Promise.resolve(),
  })
  transactionConformance({
    name: 'broker',
    createClient: createBrokerClient,
    // The coordinator looks for them every ten seconds.
    timeOutTransactions: isAborted =>
      until('the transaction is aborted', isAborted, { timeoutMs: 30_000, everyMs: 200 }),
    // 3.9.2 has been seen to answer PRODUCER_FENCED, and to let the producer go on.
    mayBeFencedByTimeout: async () => !(await hasConsumerProtocol()),
  })
} else test('the client of a real broker', { skip }, () => undefined)
