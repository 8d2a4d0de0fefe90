export { brazeDestination, type BrazeDestination } from './destination.ts'
export { brazeSizeOf } from './encoding.ts'
export { BrazeError, type BrazeErrorCode } from './errors.ts'
export {
  brazeAttributes,
  brazeEvent,
  brazeLaneKey,
  brazePurchase,
  type BrazeAttributes,
  type BrazeEvent,
  type BrazeIdentity,
  type BrazeObject,
  type BrazeObjectKind,
  type BrazePurchase,
  type BrazeRecord,
  type BrazeUserAlias,
  type BrazeValue,
} from './objects.ts'
export type { BrazeDestinationOptions, BrazeLimits } from './options.ts'
export type { BrazeRule } from './rules/rule.ts'
export type { BrazeStats } from './stats.ts'
export { brazeRules, invalidObject } from './validate.ts'
