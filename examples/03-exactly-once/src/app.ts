import { createApp, type App, type AppConfig, type Topology } from '@tributary/topology'

export function payoutApp(topology: Topology, kafka: AppConfig['kafka'], instanceId: string): App {
  return createApp(topology, {
    kafka,
    guarantee: 'exactly-once',
    // A process that is back after a crash ends the transaction that it left open, at once. Without an id readers wait
    // until the broker has given up on it (transactionTimeoutMs).
    instanceId,
    commitIntervalMs: 200,
  })
}
