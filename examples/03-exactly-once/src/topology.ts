import { json, streamTopic, string, topology, type StreamTopic, type Topology } from '@tributary/topology'

export interface Payment {
  readonly paymentId: string
  readonly cents: number
}

export function payments(name = 'payments'): StreamTopic<string, Payment> {
  return streamTopic(name, { key: string(), value: json<Payment>() })
}

export function payouts(topics: { readonly from: string; readonly to: string }, id = 'payouts'): Topology {
  const builder = topology(id)
  builder
    .stream(payments(topics.from))
    .mapValues(({ paymentId, cents }) => ({ paymentId, cents: Math.round(cents * 0.9) }))
    .to(payments(topics.to))
  return builder.build()
}
