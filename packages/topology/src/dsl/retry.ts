import { INT32_MAX, integer, type OptionRule } from '../option-table.ts'
import type { RetryPolicy } from '../plan/node.ts'
import { invalid, rule, stepOptions, type StepOptionTable } from './options.ts'

const maxAttempts: OptionRule<number> = {
  allowed: 'integer from 1, or Infinity',
  fallback: Infinity,
  accepts: value => value === Infinity || (Number.isSafeInteger(value) && (value as number) >= 1),
}

const RETRY: StepOptionTable<RetryPolicy> = {
  maxAttempts,
  baseMs: integer({ fallback: 100, min: 1, max: INT32_MAX }),
  maxMs: integer({ fallback: 30_000, min: 1, max: INT32_MAX }),
}

export const retryRule: OptionRule<Partial<RetryPolicy> | undefined> = rule(
  'an object',
  value => typeof value === 'object' && value !== null,
)

/** The policy with what was left out filled in. */
export function retryPolicy(where: string, given: Partial<RetryPolicy> | undefined): RetryPolicy {
  const policy = stepOptions<RetryPolicy>(`${where}, option retry`, { table: RETRY }, given)
  if (policy.baseMs > policy.maxMs) {
    throw invalid(`${where}, option retry: baseMs is ${policy.baseMs}, more than maxMs, ${policy.maxMs}`)
  }
  return policy
}
