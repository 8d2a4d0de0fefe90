import { INT32_MAX, integer, oneOf } from '../option-table.ts'
import type { EnrichNode, Joiner } from '../plan/node.ts'
import { functionRule, nameRule, rule, stepOptions, type StepOptionTable } from './options.ts'
import { retryPolicy, retryRule } from './retry.ts'
import type { EnrichOptions } from './step-options.ts'

const POLICIES: readonly unknown[] = ['dead-letter', 'drop', 'fail']

type AnyEnrichOptions = EnrichOptions<never, never, unknown, unknown, unknown>

const ENRICH: StepOptionTable<AnyEnrichOptions> = {
  name: nameRule,
  using: functionRule(),
  joiner: functionRule(),
  order: oneOf(['per-key', 'unordered'], 'per-key'),
  maxInFlight: integer({ fallback: 32, min: 1, max: 100_000 }),
  timeoutMs: integer({ fallback: 10_000, min: 1, max: INT32_MAX }),
  retry: retryRule,
  onFailure: rule(`'dead-letter' | 'drop' | 'fail' | { fallback }`, isFailurePolicy),
}

export function enrichDraft(
  where: string,
  given: object,
): Omit<EnrichNode, 'id' | 'name' | 'input'> & { readonly name: string | undefined } {
  const options = stepOptions<Required<AnyEnrichOptions>>(
    where,
    { table: ENRICH, required: ['using', 'joiner'] },
    given,
  )
  return {
    kind: 'enrich',
    name: options.name,
    call: options.using as EnrichNode['call'],
    joiner: options.joiner as Joiner,
    order: options.order,
    maxInFlight: options.maxInFlight,
    timeoutMs: options.timeoutMs,
    retry: retryPolicy(where, options.retry),
    onFailure: options.onFailure ?? 'dead-letter',
  }
}

function isFailurePolicy(value: unknown): boolean {
  if (POLICIES.includes(value)) return true
  return typeof value === 'object' && value !== null && Object.keys(value).join() === 'fallback'
}
