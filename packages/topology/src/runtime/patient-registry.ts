import { backoffMs } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../config.ts'
import { retryAdviceOf } from '../errors.ts'
import type { SchemaRegistry } from '../serde/schema-registry.ts'

export interface PatienceOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  /** Ends the waiting. */
  readonly signal: AbortSignal
}

const RETRY = { baseMs: 200, maxMs: 5_000 }

/**
 * The registry with its outages waited out: what may go through later is asked again until it does or the signal aborts. So
 * an application that starts while the registry is away starts late, and not never (law 7).
 */
export function patientRegistry(registry: SchemaRegistry, options: PatienceOptions): SchemaRegistry {
  const { clock, random, logger, signal } = options

  async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await attempt()
      } catch (error) {
        const advice = retryAdviceOf(error, { kind: 'never' })
        if (advice.kind === 'never' || signal.aborted) throw error
        const waitMs = advice.kind === 'after' ? advice.ms : backoffMs(attempts, RETRY, random)
        logger.warn({ error, attempts, waitMs }, 'the schema registry does not answer; trying again')
        await clock.sleep(waitMs, { signal })
      }
    }
  }

  return {
    schemaById: id => patiently(() => registry.schemaById(id)),
    latest: subject => patiently(() => registry.latest(subject)),
    register: (subject, schema) => patiently(() => registry.register(subject, schema)),
    idOf: (subject, schema) => patiently(() => registry.idOf(subject, schema)),
    checkCompatibility: (subject, schema) => patiently(() => registry.checkCompatibility(subject, schema)),
  }
}
