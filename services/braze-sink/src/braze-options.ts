import type { DryRunOptions } from '@tributary/sink-braze'
import type { ServiceConfig } from './config.ts'

/** What the destination is made from, apart from its key. */
export function brazeOptions(
  config: ServiceConfig,
  logger: NonNullable<DryRunOptions['logger']>,
): DryRunOptions {
  return {
    url: config.brazeUrl,
    limits: config.limits,
    objectLimit: config.objectLimit,
    maxObjectsPerRequest: config.maxObjectsPerRequest,
    maxRequestBytes: config.maxRequestBytes,
    requestTimeoutMs: config.requestTimeoutMs,
    connections: config.maxInFlight,
    urgentReserve: config.urgentReserve,
    userGapMs: config.userGapMs,
    probeBaseMs: config.probeBaseMs,
    probeMaxMs: config.probeMaxMs,
    rules: config.rules,
    suppressUnchanged: config.suppressUnchanged,
    fullRefreshAfterMs: config.fullRefreshAfterMs,
    rememberedEvents: config.rememberedEvents,
    tombstones: config.tombstones,
    logger,
  }
}
