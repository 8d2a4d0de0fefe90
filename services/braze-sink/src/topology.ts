import { marketingEvents } from '@tributary/marketing-events'
import { brazeLaneKey, type BrazeObject } from '@tributary/sink-braze'
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

/** Brings marketing events into Braze. */
export function sinkTopology({ destination, lingerMs, maxInFlight }: SinkTopologyOptions): Topology {
  const builder = topology('braze-sink')
  builder.stream(marketingEvents).flatMapValues(toBraze).deliver({
    destination,
    laneKey: brazeLaneKey,
    maxBatchItems: MAX_OBJECTS_PER_REQUEST,
    lingerMs,
    maxInFlight,
  })
  return builder.build()
}
