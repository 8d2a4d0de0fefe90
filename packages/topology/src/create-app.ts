import { createKafkaClient } from './client/platformatic/kafka-client.ts'
import { systemClock } from './clock.ts'
import type { AppConfig } from './config.ts'
import type { CompiledTopology } from './plan/compiled.ts'
import { App, isClient, type AppEvents } from './runtime/app.ts'
import { HttpSchemaRegistry } from './serde/http-schema-registry.ts'

/**
 * Makes an application of a topology. Nothing is opened before `start`.
 *
 * @example
 * ```ts
 * const app = createApp(builder.build(), { kafka: { brokers: ['localhost:9092'] }, registry: 'http://localhost:8081' })
 * await app.start()
 * process.once('SIGTERM', () => void app.close())
 * await app.ended
 * ```
 * @throws TOPOLOGY_CONFIG_INVALID
 */
export function createApp(
  topology: { readonly compiled: CompiledTopology },
  config: AppConfig,
  events: AppEvents = {},
): App {
  return new App(
    topology.compiled,
    config,
    {
      connect: ({ kafka, registry, clock = systemClock, logger }, options) => ({
        kafka: isClient(kafka)
          ? kafka
          : createKafkaClient({
              ...kafka,
              clientId: options.clientId,
              clock,
              ...(logger === undefined ? {} : { logger }),
            }),
        registry: typeof registry === 'string' ? new HttpSchemaRegistry({ url: registry }) : registry,
      }),
    },
    events,
  )
}
