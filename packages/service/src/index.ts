export { Environment, type CommonConfig, type NumberRule } from './environment.ts'
export {
  BURROW_STATUS,
  evaluateGroup,
  evaluatePartition,
  type EvaluationOptions,
  type GroupStatus,
  type GroupVerdict,
  type PartitionStatus,
  type PartitionVerdict,
} from './burrow/evaluate.ts'
export { CONSUMER_METRICS } from './burrow/consumer-judge.ts'
export { ENRICHER_METRICS, enricherMetrics, type EnricherFigures } from './metrics/enricher-metrics.ts'
export { CONTENT_TYPES, expose, formatFor, type ExpositionFormat } from './metrics/exposition.ts'
export { PROCESS_METRICS } from './metrics/process-metrics.ts'
export { createServer, type ServiceOptions } from './server.ts'
export { configOrExit, runService } from './run-service.ts'
