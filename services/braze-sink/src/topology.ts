import { marketingEvents } from '@tributary/marketing-events'
import { brazeLaneKey, brazeMemoryTopic, brazeSizeOf, type BrazeDestination } from '@tributary/sink-braze'
import { topology, type Topology } from '@tributary/topology'
import { isUrgent, recordToBraze } from './mapping.ts'

export interface SinkTopologyOptions {
  readonly destination: BrazeDestination
  /** How long a request waits to be filled. */
  readonly lingerMs: number
  /** Requests under way at once. */
  readonly maxInFlight: number
  /** The compacted topic that holds what Braze has of each user, created at start. Without it nothing is remembered. */
  readonly memoryTopic?: string | undefined
  /** As the destination counts the objects of a request. Default: 75, combined. */
  readonly maxObjectsPerRequest?: number | undefined
  readonly objectLimit?: 'combined' | 'per-array' | undefined
  /** Default 3,500,000: Braze takes 4 MB. */
  readonly maxRequestBytes?: number | undefined
}

const ARRAYS = 3
/** For a batch, not for a request: an object at fault that Braze does not name is found in up to seven halvings. */
const BATCH_TIMEOUT_MS = 300_000

/** Brings marketing events into Braze. */
export function sinkTopology(options: SinkTopologyOptions): Topology {
  const { destination, lingerMs, maxInFlight, memoryTopic } = options
  const { maxObjectsPerRequest = 75, objectLimit = 'combined', maxRequestBytes = 3_500_000 } = options
  const builder = topology('braze-sink')
  builder
    .stream(marketingEvents)
    .flatMapValues(recordToBraze)
    .deliver({
      destination,
      laneKey: brazeLaneKey,
      isUrgent,
      sizeOf: brazeSizeOf,
      maxBatchItems: objectLimit === 'combined' ? maxObjectsPerRequest : ARRAYS * maxObjectsPerRequest,
      maxBatchBytes: maxRequestBytes,
      lingerMs,
      maxInFlight,
      timeoutMs: BATCH_TIMEOUT_MS,
      retry: { baseMs: 500, maxMs: 60_000 },
      ...(memoryTopic === undefined ? {} : { memory: brazeMemoryTopic(memoryTopic) }),
    })
  return builder.build()
}
