import { stackEnvironment } from '../stack/stack.ts'
import { GROUPS, PARTITIONS } from './kafka/topics.ts'
import type { DemoOptions, ScaledService } from './options.ts'
import { untilShared } from './services/partition-shares.ts'
import type { ServiceProcess, ServiceProcesses } from './services/service-processes.ts'
import type { Ground } from './set-up.ts'

export interface RunningServices {
  readonly activitiesApi: ServiceProcess
  readonly brazeSimulator: ServiceProcess
  readonly scaled: Readonly<Record<ScaledService, readonly ServiceProcess[]>>
}

const BRAZE_API_KEY = 'demo-key'
/** Requests that take no time cannot be seen to overlap. */
const BRAZE_LATENCY_MS = 5

export interface StartOptions {
  readonly instances: DemoOptions['instances']
  /** By service: variables beside those that the demo sets. */
  readonly env?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** Resolves when all of them are ready: the tables are loaded, and each process holds its part of the partitions. */
export async function startServices(
  processes: ServiceProcesses,
  { stack, databaseUrl }: Ground,
  { instances, env = {} }: StartOptions,
): Promise<RunningServices> {
  const [activitiesApi, brazeSimulator] = await Promise.all([
    processes.start({
      service: 'activities-api',
      name: 'activities-api',
      env: { DATABASE_URL: databaseUrl, ...env['activities-api'] },
      isAskedByOthers: true,
    }),
    processes.start({
      service: 'braze-simulator',
      name: 'braze-simulator',
      env: {
        BRAZE_API_KEY,
        SIMULATOR_LATENCY_MS: String(BRAZE_LATENCY_MS),
        ...env['braze-simulator'],
      },
      isAskedByOthers: true,
    }),
  ])
  const { KAFKA_BROKERS, SCHEMA_REGISTRY_URL } = stackEnvironment(stack)
  const startAll = (
    service: ScaledService,
    own: Readonly<Record<string, string>>,
  ): Promise<ServiceProcess[]> =>
    Promise.all(
      Array.from({ length: instances[service] }, (_, index) =>
        processes.start({
          service,
          name: instances[service] === 1 ? service : `${service}-${index + 1}`,
          env: { KAFKA_BROKERS, SCHEMA_REGISTRY_URL, ...own, ...env[service] },
          isAskedByOthers: false,
        }),
      ),
    )
  const [marketingEvents, brazeSink] = await Promise.all([
    startAll('marketing-events', { ACTIVITIES_API_URL: activitiesApi.url }),
    startAll('braze-sink', { BRAZE_URL: brazeSimulator.url, BRAZE_API_KEY }),
  ])
  const scaled = { 'marketing-events': marketingEvents, 'braze-sink': brazeSink }
  await Promise.all(
    (['marketing-events', 'braze-sink'] as const).map(service =>
      untilShared(scaled[service], { topic: GROUPS[service], partitions: PARTITIONS }),
    ),
  )
  return { activitiesApi, brazeSimulator, scaled }
}
