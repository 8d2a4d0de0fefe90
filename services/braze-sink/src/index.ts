export { isUrgent, recordToBraze, toBraze } from './mapping.ts'
export { sinkTopology, type SinkTopologyOptions } from './topology.ts'
