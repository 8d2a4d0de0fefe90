import { configOrExit, runService } from '@tributary/service'
import { brazeDestination } from '@tributary/sink-braze'
import { createApp } from '@tributary/topology'
import { pino } from 'pino'
import { readConfig } from './config.ts'
import { sinkTopology } from './topology.ts'

const config = configOrExit(() => readConfig())
const logger = pino({ name: 'braze-sink', level: config.logLevel, errorKey: 'error' })
const destination = configOrExit(() =>
  brazeDestination({
    url: config.brazeUrl,
    apiKey: config.brazeApiKey,
    limits: { maxRequests: config.maxRequestsPerWindow, maxRequestsPerHour: config.maxRequestsPerHour },
    requestTimeoutMs: config.requestTimeoutMs,
    connections: config.maxInFlight,
    logger,
  }),
)
const app = createApp(
  sinkTopology({ destination, lingerMs: config.lingerMs, maxInFlight: config.maxInFlight }),
  {
    kafka: { brokers: config.kafkaBrokers },
    registry: config.schemaRegistryUrl,
    clientId: 'braze-sink',
    groupProtocol: config.groupProtocol,
    instanceId: config.instanceId,
    guarantee: config.guarantee,
    logger,
  },
)

await runService({
  name: 'braze-sink',
  app,
  logger,
  host: config.host,
  port: config.port,
  status: () => ({ braze: destination.stats }),
})
