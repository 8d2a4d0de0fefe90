import { configOrExit, enricherMetrics, runService } from '@tributary/service'
import { createApp } from '@tributary/topology'
import { pino } from 'pino'
import { readConfig } from './config.ts'
import { marketingTopology } from './topology.ts'
import { upcomingActivitiesFrom } from './upcoming-activities.ts'

const config = configOrExit(() => readConfig())
const logger = pino({ name: 'marketing-events', level: config.logLevel, errorKey: 'error' })
const upcoming = upcomingActivitiesFrom(config.activitiesApiUrl)
const app = createApp(marketingTopology(upcoming.find), {
  kafka: { brokers: config.kafkaBrokers },
  registry: config.schemaRegistryUrl,
  clientId: 'marketing-events',
  groupProtocol: config.groupProtocol,
  instanceId: config.instanceId,
  guarantee: config.guarantee,
  logger,
})

await runService({
  name: 'marketing-events',
  app,
  logger,
  host: config.host,
  port: config.port,
  objective: config.objective,
  cluster: config.cluster,
  dogStatsD: config.dogStatsD,
  status: () => ({ upcomingActivities: upcoming.stats }),
  metrics: () => enricherMetrics({ 'upcoming-activities': upcoming.stats }),
  close: () => upcoming.close(),
})
