import { topology, type TopologyBuilder } from '../../src/dsl/builder.ts'
import type { KStream } from '../../src/dsl/stream.ts'
import { TopologyError, type TopologyErrorCode } from '../../src/errors.ts'
import type { Destination } from '../../src/operators/destination.ts'
import type { Topology } from '../../src/plan/topology.ts'
import { streamTopic, tableTopic, type StreamTopic, type TableTopic } from '../../src/topic.ts'
import { stringSerde } from '../dsl/test-serdes.ts'

const texts = { key: stringSerde, value: stringSerde }

export function textStream(name: string): StreamTopic<string, string> {
  return streamTopic(name, texts)
}

export function textTable(name: string): TableTopic<string, string> {
  return tableTopic(name, texts)
}

export const crm: Destination<string> = {
  name: 'crm',
  deliver: items => Promise.resolve(items.map(() => ({ kind: 'accepted' }))),
}

/** A builder with one stream of texts. */
export function oneStream(): {
  readonly builder: TopologyBuilder
  readonly bookings: KStream<string, string>
} {
  const builder = topology('app')
  return { builder, bookings: builder.stream(textStream('bookings')) }
}

/** One of everything: both joins with both tables, a split, a repartition, a merge, and each way out. */
export function showcase(): Topology {
  const { builder, bookings } = oneStream()
  const customers = builder.table(textTable('customers'))
  const activities = builder.globalTable(textTable('activities'))
  const joined = bookings
    .filter(value => value !== '', { name: 'paid' })
    .join(customers, { joiner: (value, row) => value + row, missing: 'dead-letter' })
    .leftJoin(activities, { key: value => value, joiner: (value, row) => value + (row ?? '') })
  const { big, rest } = joined.split({ big: value => value.length > 3 }, { name: 'kinds', default: 'rest' })
  big
    .enrich({ using: value => Promise.resolve(value), joiner: (value, result) => value + result })
    .to(textStream('marketing'))
  rest
    .selectKey(value => value)
    .repartition({ name: 'by-value', value: stringSerde, key: stringSerde, partitions: 12 })
    .merge(builder.stream(textStream('wishes'), { offsetReset: { durationMs: 60_000 } }))
    .deliver({ destination: crm, maxBatchItems: 75 })
  const [german, other] = [textStream('german'), textStream('other')]
  joined.to(
    { DE: german, FR: other, AT: german },
    { choose: value => (value === 'AT' || value === 'DE' ? value : 'FR'), name: 'by-country' },
  )
  return builder.build()
}

/** For `assert.throws`: the code, and a part of the message that an author needs. */
export function refusal(code: TopologyErrorCode, message: RegExp): (error: unknown) => boolean {
  return error => {
    if (!TopologyError.is(error) || error.code !== code) throw error
    if (!message.test(error.message)) throw new Error(`The message is: ${error.message}`, { cause: error })
    return true
  }
}
