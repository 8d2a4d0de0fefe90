import { marketingEvents } from '@tributary/marketing-events'
import { brazeLaneKey, brazeSizeOf, type BrazeObject } from '@tributary/sink-braze'
import { topology, type Destination, type Topology } from '@tributary/topology'
import { toBraze } from './mapping.ts'

export interface SinkTopologyOptions {
  readonly destination: Destination<BrazeObject>
  /** How long a request waits to be filled. */
  readonly lingerMs: number
  /** Requests under way at once. */
  readonly maxInFlight: number
}

/** Objects in one request, over attributes, events and purchases together: Braze's limit. */
const MAX_OBJECTS_PER_REQUEST = 75
/** Braze takes 4 MB. */
const MAX_REQUEST_BYTES = 3_500_000
/** For a batch, not for a request: an object at fault that Braze does not name is found in up to seven halvings. */
const BATCH_TIMEOUT_MS = 300_000

/** Brings marketing events into Braze. */
export function sinkTopology({ destination, lingerMs, maxInFlight }: SinkTopologyOptions): Topology {
  const builder = topology('braze-sink')
  builder
    .stream(marketingEvents)
    .flatMapValues(toBraze)
    .deliver({
      destination,
      laneKey: brazeLaneKey,
      sizeOf: brazeSizeOf,
      maxBatchItems: MAX_OBJECTS_PER_REQUEST,
      maxBatchBytes: MAX_REQUEST_BYTES,
      lingerMs,
      maxInFlight,
      timeoutMs: BATCH_TIMEOUT_MS,
      retry: { baseMs: 500, maxMs: 60_000 },
    })
  return builder.build()
}
