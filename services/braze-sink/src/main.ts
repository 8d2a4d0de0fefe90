import { once } from 'node:events'
import { configOrExit, runService } from '@tributary/service'
import { apiKeyFrom, brazeDestination, brazeMetrics, type BrazeDestination } from '@tributary/sink-braze'
import { createApp, createKafkaClient, HttpSchemaRegistry, type Topology } from '@tributary/topology'
import { pino } from 'pino'
import { argumentsOf, USAGE, type DryRunArguments } from './arguments.ts'
import { brazeOptions } from './braze-options.ts'
import { readConfig, type ServiceConfig } from './config.ts'
import { dryRun } from './dry-run.ts'
import { sinkTopology } from './topology.ts'

const args = argumentsOf(process.argv.slice(2))
switch (args.mode) {
  case 'help':
    process.stdout.write(USAGE)
    break
  case 'wrong':
    process.stderr.write(`${args.problem}\n\n${USAGE}`)
    process.exitCode = 2
    break
  case 'dry-run':
    await runDry(args)
    break
  case 'serve':
    await serve()
    break
}

async function serve(): Promise<void> {
  const config = configOrExit(() => readConfig())
  const logger = pino({ name: 'braze-sink', level: config.logLevel, errorKey: 'error' })
  const destination = configOrExit(() =>
    brazeDestination({ ...brazeOptions(config, logger), apiKey: apiKeyOf(config) }),
  )
  const app = createApp(topologyOf(config, destination), {
    kafka: { brokers: config.kafkaBrokers },
    registry: config.schemaRegistryUrl,
    clientId: 'braze-sink',
    groupProtocol: config.groupProtocol,
    instanceId: config.instanceId,
    guarantee: config.guarantee,
    commitIntervalMs: config.commitIntervalMs,
    lingerMs: lingerMsOf(config),
    logger,
  })
  await runService({
    name: 'braze-sink',
    app,
    logger,
    host: config.host,
    port: config.port,
    objective: config.objective,
    cluster: config.cluster,
    dogStatsD: config.dogStatsD,
    status: () => ({ braze: destination.stats }),
    metrics: () => brazeMetrics(destination.stats),
  })
}

async function runDry(options: DryRunArguments): Promise<void> {
  const config = configOrExit(() => readConfig(undefined, { needsKey: false }))
  // Standard output is for what would be sent.
  const level = config.logLevel === 'info' ? 'warn' : config.logLevel
  const logger = pino({ name: 'braze-sink', level, errorKey: 'error' }, pino.destination(2))
  const kafka = createKafkaClient({ brokers: config.kafkaBrokers, clientId: 'braze-sink-dry-run', logger })
  const interrupted = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => interrupted.abort())
  // Whoever reads along has seen enough, as `head` does.
  process.stdout.on('error', () => interrupted.abort())
  try {
    await dryRun({
      ...options,
      kafka,
      registry: new HttpSchemaRegistry({ url: config.schemaRegistryUrl }),
      logger,
      braze: brazeOptions(config, logger),
      topology: destination => topologyOf(config, destination),
      print: line => printed(line, interrupted.signal),
      signal: interrupted.signal,
    })
  } catch (error) {
    logger.fatal({ error }, 'the dry run failed')
    process.exitCode = 1
  } finally {
    await kafka.close()
  }
}

/** Resolves when standard output takes more, or when nobody wants any more. */
async function printed(line: string, signal: AbortSignal): Promise<void> {
  if (process.stdout.write(line) || signal.aborted) return
  await once(process.stdout, 'drain', { signal }).catch(() => undefined)
}

/**
 * What is written are memories and dead letters. Nobody waits for them but the commit, which sends them itself, unless the
 * memory of an event is to be there although the process ends before its next commit.
 */
function lingerMsOf({ commitIntervalMs, rememberedEvents }: ServiceConfig): number {
  return rememberedEvents === 0 ? commitIntervalMs : 0
}

function topologyOf(config: ServiceConfig, destination: BrazeDestination): Topology {
  const { lingerMs, maxInFlight, objectLimit, maxObjectsPerRequest, maxRequestBytes } = config
  const isRemembering = config.suppressUnchanged || config.rememberedEvents > 0
  const memoryTopic = isRemembering ? config.memoryTopic : undefined
  const limits = { objectLimit, maxObjectsPerRequest, maxRequestBytes }
  return sinkTopology({ destination, lingerMs, maxInFlight, memoryTopic, ...limits })
}

function apiKeyOf({ brazeKey }: ServiceConfig): string | (() => string) {
  if (brazeKey === undefined) return ''
  return 'text' in brazeKey ? brazeKey.text : apiKeyFrom(brazeKey)
}
