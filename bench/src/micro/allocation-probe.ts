import { setImmediate as turn } from 'node:timers/promises'
import { createApp, type KafkaClient, type ProduceBatch } from '@tributary/topology'
import { InMemorySchemaRegistry } from '../../../packages/topology/src/serde/in-memory-schema-registry.ts'
import { createFakeClient } from '../../../packages/topology/src/testing/fake-client.ts'
import { TestClock } from '../../../packages/topology/src/testing/test-clock.ts'
import { createStreamTopic, inputTopics, publishBookings, publishRows } from '../job/publish.ts'
import { customerIndex, JobRecords } from '../job/records.ts'
import { schemaText } from '../job/schemas.ts'
import { PLAIN } from '../job/variant.ts'
import { bookingTopology } from '../programs/tributary/topology.ts'
import { bytesAllocated } from './allocation-counter.ts'

/*
 * The job over a Kafka in memory: source, decode, two joins, filter, map, encode, output batch, by the application itself.
 * Prints, as JSON, the bytes that it takes from the JavaScript heap per booking, window by window.
 */

const WARM_UP = 40_000
const WINDOW = 20_000
const WINDOWS = 3
const SEED = 1
const LINGER_MS = 5

const kafka = createFakeClient()
const registry = new InMemorySchemaRegistry()
/** It stands still, so that how much is done in one turn does not depend on how fast the machine is. */
const clock = new TestClock(0)
const records = new JobRecords(SEED, PLAIN, {
  bookings: WARM_UP + WINDOW * WINDOWS,
  customers: 5_000,
  activities: 1_000,
})
const inputs = inputTopics('probe', PLAIN)
const output = 'probe-output'
await createStreamTopic({ kafka, registry }, inputs.bookings, PLAIN)
await createStreamTopic({ kafka, registry }, output, PLAIN)
await publishRows({ kafka, registry }, records, inputs)
const eventSchemaId = await registry.register(`${output}-value`, schemaText('marketing-event'))

const ranges = Array.from({ length: WINDOWS + 1 }, (_, window): [number, number] =>
  window === 0 ? [0, WARM_UP] : [WARM_UP + WINDOW * (window - 1), WARM_UP + WINDOW * window],
)
let outputsWanted = 0
const windows: Window[] = []
for (const range of ranges) windows.push(await windowOf(range))

const app = createApp(
  bookingTopology({
    broker: '',
    registryUrl: '',
    apiUrl: '',
    group: 'probe',
    guarantee: 'at-least-once',
    steps: 'plain',
    readsWhole: false,
    extraSteps: 0,
    ...inputs,
    output,
    eventSchemaId,
  }),
  { kafka, registry, clock },
)
await app.start()
const producer = await kafka.createProducer()
await throughTheJob(windows[0]!)
const bytesPerBooking: number[] = []
for (const window of windows.slice(1)) {
  bytesPerBooking.push((await bytesAllocated(() => throughTheJob(window))) / WINDOW)
}
console.log(JSON.stringify({ bytesPerBooking }))
await app.close()

interface Window {
  /** What a producer sends for its bookings. */
  readonly batches: readonly ProduceBatch[]
  /** How many records the output has when all of them are through. */
  readonly outputsBehind: number
}

async function windowOf([first, end]: readonly [number, number]): Promise<Window> {
  const batches: ProduceBatch[] = []
  const collecting: KafkaClient = {
    ...kafka,
    createProducer: () =>
      Promise.resolve({
        send(batch) {
          // The bytes are the sender's again when the call returns.
          batches.push({ ...batch, records: Buffer.from(batch.records) })
          return Promise.resolve({ baseOffset: 0 })
        },
        abandon: () => undefined,
        close: () => Promise.resolve(),
      }),
  }
  await publishBookings({ kafka: collecting, registry }, records, inputs.bookings, [first, end])
  outputsWanted += outputsOf([first, end])
  return { batches, outputsBehind: outputsWanted }
}

/** Of whose customers something may be sent. */
function outputsOf([first, end]: readonly [number, number]): number {
  let count = 0
  for (let index = first; index < end; index += 1) {
    const customer = records.customer(customerIndex(records.booking(index).customerId))
    if (customer.marketingOptIn) count += 1
  }
  return count
}

async function throughTheJob({ batches, outputsBehind }: Window): Promise<void> {
  for (const batch of batches) await producer.send(batch)
  while (outputs() < outputsBehind) {
    await turn()
    // What waits for its batch to fill goes now.
    await clock.advance(LINGER_MS)
  }
}

function outputs(): number {
  let sum = 0
  for (let partition = 0; partition < PLAIN.partitions; partition += 1)
    sum += kafka.endOffset(output, partition)
  return sum
}
