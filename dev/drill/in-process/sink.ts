import { sinkTopology } from '@tributary/braze-sink'
import {
  brazeDestination,
  brazeLaneKey,
  brazeMemoryTopic,
  brazeSizeOf,
  brazeTombstone,
  type BrazeDestination,
  type BrazeDestinationOptions,
  type BrazeObject,
} from '@tributary/sink-braze'
import { json, streamTopic, string, topology, type StreamTopic, type Topology } from '@tributary/topology'

/** Which records a world has: the marketing events of the service, or any objects. */
export type InputKind = 'marketing-events' | 'objects'

export interface SinkOptions {
  readonly input: InputKind
  readonly lingerMs: number
  readonly maxInFlight: number
  readonly braze: BrazeDestinationOptions
}

export const GROUP = 'braze-sink'
export const MEMORY_TOPIC = 'braze-sink-memory'

/** Objects as they are to be sent, for what no marketing event becomes: purchases, increments, removed attributes. */
export const brazeObjects: StreamTopic<string, readonly BrazeObject[]> = streamTopic('braze-objects', {
  key: string(),
  value: json<readonly BrazeObject[]>(),
})

export interface Sink {
  readonly topology: Topology
  readonly destination: BrazeDestination
}

/** One process's sink. The service's own topology, unless the world has objects for an input. */
export function createSink({ input, lingerMs, maxInFlight, braze }: SinkOptions): Sink {
  const destination = brazeDestination(braze)
  const { maxObjectsPerRequest, objectLimit } = braze
  const common = { destination, lingerMs, maxInFlight }
  if (input === 'marketing-events') {
    const options = { ...common, memoryTopic: MEMORY_TOPIC, maxObjectsPerRequest, objectLimit }
    return { topology: sinkTopology(options), destination }
  }
  const builder = topology(GROUP)
  builder
    .stream(brazeObjects)
    .flatMapValues((objects: readonly BrazeObject[] | null, key) =>
      objects === null ? [brazeTombstone({ external_id: key })] : objects,
    )
    .deliver({
      ...common,
      laneKey: brazeLaneKey,
      // As the service has it: campaigns wait for events.
      isUrgent: ({ kind }) => kind === 'event' || kind === 'purchase',
      memory: brazeMemoryTopic(MEMORY_TOPIC),
      sizeOf: brazeSizeOf,
      maxBatchItems: (maxObjectsPerRequest ?? 75) * (objectLimit === 'per-array' ? 3 : 1),
      maxBatchBytes: 3_500_000,
      timeoutMs: 300_000,
      retry: { baseMs: 500, maxMs: 60_000 },
    })
  return { topology: builder.build(), destination }
}
