export { systemClock } from './clock.ts'
export type { Clock } from './clock.ts'
export type { StateAnswer } from './control-routes.ts'
export { SimulatorConfigError } from './errors.ts'
export { faultKinds } from './faults/fault.ts'
export type {
  BrokenFault,
  BrokenKind,
  DelayFault,
  EndpointName,
  Fault,
  QueuedFault,
  RejectFault,
  ReorderFault,
  ResetFault,
  StatusFault,
  TrickleFault,
} from './faults/fault.ts'
export type { ActiveFault } from './faults/faults.ts'
export type { ArrivalRecord, ArrivalSummary } from './limits/arrivals.ts'
export type { ErrorTypes, ObjectLimit, RateLimitHeaders, SimulatorOptions } from './options.ts'
export { createSimulator } from './simulator.ts'
export type { Simulator, SimulatorParts } from './simulator.ts'
export { silentEffects } from './state/effects.ts'
export type { EventRecord, PurchaseRecord, UserRecord } from './state/profiles.ts'
export type { RequestRecord, RequestStatus, SimulatorState, StateSummary } from './state/state.ts'
export { refusals } from './track/refusals.ts'
export type { Rule } from './track/rule.ts'
export { rules } from './track/rules.ts'
export type { ArrayName, TrackAnswer, TrackError, TrackObject } from './track/wire.ts'
