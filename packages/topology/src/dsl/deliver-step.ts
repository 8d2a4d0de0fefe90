import type { Destination } from '../operators/destination.ts'
import { INT32_MAX, integer } from '../option-table.ts'
import type { DeliverNode } from '../plan/node.ts'
import {
  functionRule,
  hasMethod,
  invalid,
  nameRule,
  rule,
  stepOptions,
  type StepOptionTable,
} from './options.ts'
import { retryPolicy, retryRule } from './retry.ts'
import type { DeliverOptions } from './step-options.ts'

/** Enough behind the batches under way that the next ones are full when their turn comes. */
const PENDING_BATCHES_PER_CALL = 8

type AnyDeliverOptions = DeliverOptions<never, never, unknown, unknown>

const count = (max: number): ReturnType<typeof integer> => integer({ fallback: max, min: 1, max })

const DELIVER: StepOptionTable<AnyDeliverOptions> = {
  name: nameRule,
  destination: rule(
    'a destination: an object with a name and a method deliver',
    value => hasMethod(value, 'deliver') && typeof (value as { readonly name?: unknown }).name === 'string',
  ),
  laneKey: functionRule(),
  memory: rule(
    'a topic made by tableTopic()',
    value => (value as { readonly kind?: unknown } | null)?.kind === 'table',
  ),
  isUrgent: functionRule(),
  sizeOf: functionRule(),
  maxBatchItems: count(1_000_000),
  maxBatchBytes: rule(`integer 1 to ${INT32_MAX}`, count(INT32_MAX).accepts),
  lingerMs: integer({ fallback: 100, min: 0, max: INT32_MAX }),
  maxInFlight: integer({ fallback: 4, min: 1, max: 10_000 }),
  maxPending: rule('integer 1 to 100000000', count(100_000_000).accepts),
  timeoutMs: integer({ fallback: 30_000, min: 1, max: INT32_MAX }),
  retry: retryRule,
}

export function deliverDraft(
  where: string,
  given: object,
): Omit<DeliverNode, 'id' | 'name' | 'input'> & { readonly name: string | undefined } {
  const required = ['destination', 'maxBatchItems'] as const
  const options = stepOptions<Required<AnyDeliverOptions>>(where, { table: DELIVER, required }, given)
  const { maxBatchItems, maxInFlight } = options
  const maxBatchBytes = (options.maxBatchBytes as number | undefined) ?? Infinity
  if (maxBatchBytes !== Infinity && (options.sizeOf as unknown) === undefined) {
    throw invalid(`${where}: maxBatchBytes needs the option sizeOf, which tells the size of an item in bytes`)
  }
  const maxPending =
    (options.maxPending as number | undefined) ?? maxBatchItems * maxInFlight * PENDING_BATCHES_PER_CALL
  if (maxPending < maxBatchItems) {
    throw invalid(`${where}: maxPending is ${maxPending}, less than maxBatchItems, ${maxBatchItems}`)
  }
  return {
    kind: 'deliver',
    name: options.name,
    destination: options.destination as Destination<unknown>,
    memory: options.memory as DeliverNode['memory'],
    isUrgent: options.isUrgent as DeliverNode['isUrgent'],
    laneKey: options.laneKey as DeliverNode['laneKey'],
    sizeOf: options.sizeOf as DeliverNode['sizeOf'],
    maxBatchItems,
    maxBatchBytes,
    lingerMs: options.lingerMs,
    maxInFlight,
    maxPending,
    timeoutMs: options.timeoutMs,
    retry: retryPolicy(where, options.retry),
  }
}
