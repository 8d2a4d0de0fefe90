export { apiKeyFrom, type ApiKeySource } from './api-key.ts'
export { brazeDestination, type BrazeDestination } from './destination.ts'
export { brazeDryRun, type ComposedRequest, type DryRunOptions, type OnRequest } from './dry-run.ts'
export { brazeSizeOf } from './encoding.ts'
export { BrazeError, type BrazeErrorCode } from './errors.ts'
export type { LatestError } from './latest-errors.ts'
export { brazeMemoryTopic, type BrazeMemory } from './memory.ts'
export {
  brazeAttributes,
  brazeEvent,
  brazeLaneKey,
  brazePurchase,
  brazeTombstone,
  type BrazeAttributes,
  type BrazeEvent,
  type BrazeIdentity,
  type BrazeObject,
  type BrazeObjectKind,
  type BrazePurchase,
  type BrazeRecord,
  type BrazeTombstone,
  type BrazeTrackObject,
  type BrazeUserAlias,
  type BrazeValue,
} from './objects.ts'
export { BRAZE_METRICS, brazeMetrics } from './metrics.ts'
export type { BrazeDestinationOptions, BrazeLimits } from './options.ts'
export { policiesOf, type BrazePolicy, type BrazeRule } from './rules/rule.ts'
export type { BrazeShapingOptions, BrazeTombstonePolicy } from './shaping-options.ts'
export type { NotIdempotent, ShapingStats } from './shaping-stats.ts'
export type { BrazeStats } from './stats.ts'
export { brazeRules, invalidObject, type BrazeRulePolicies } from './validate.ts'
export type { LimiterStats } from './rate-limiter.ts'
export type { SenderStats } from './track-sender.ts'
