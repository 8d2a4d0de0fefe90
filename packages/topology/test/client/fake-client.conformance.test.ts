import { createFakeClient } from '../../src/testing/fake-client.ts'
import { clientConformance } from '../conformance/client-conformance.ts'
import { groupConformance } from '../conformance/group-conformance.ts'
import { transactionConformance } from '../conformance/transaction-conformance.ts'

const kafka = createFakeClient()

clientConformance({
  name: 'fake',
  createClient: () => kafka.anotherClient(),
  appendMarker(topic, partition) {
    kafka.skipOffsets(topic, partition, 1)
    return Promise.resolve(kafka.endOffset(topic, partition))
  },
  deleteBefore(topic, partition, offset) {
    kafka.deleteBefore(topic, partition, offset)
    return Promise.resolve()
  },
})

groupConformance({
  name: 'fake',
  options: {},
  createClient: () => kafka.anotherClient(),
  prepareGroup: () => Promise.resolve(),
})

transactionConformance({
  name: 'fake',
  createClient: () => kafka.anotherClient(),
  timeOutTransactions() {
    kafka.timeOutTransactions()
    return Promise.resolve()
  },
})
