import { integer } from '../option-table.ts'
import type { RepartitionNode } from '../plan/node.ts'
import { invalid, nameRule, rule, serdeRule, stepOptions, type StepOptionTable } from './options.ts'
import type { StreamSerdes } from './plan-builder.ts'
import type { RepartitionOptions } from './step-options.ts'

/** Kafka refuses nothing up to here, and nobody means more. */
const MAX_PARTITIONS = 100_000

type AnyRepartitionOptions = RepartitionOptions<unknown, unknown>

const REPARTITION: StepOptionTable<AnyRepartitionOptions> = {
  name: nameRule,
  key: serdeRule(),
  value: serdeRule(),
  partitions: rule(
    `integer 1 to ${MAX_PARTITIONS}`,
    integer({ fallback: 1, min: 1, max: MAX_PARTITIONS }).accepts,
  ),
}

export function repartitionDraft(
  where: string,
  given: object,
  inherited: StreamSerdes,
): Omit<RepartitionNode, 'id' | 'input'> {
  const options = stepOptions<AnyRepartitionOptions>(where, { table: REPARTITION, required: ['name'] }, given)
  const key = options.key ?? inherited.key
  const value = options.value ?? inherited.value
  if (key === undefined || value === undefined) {
    const part = key === undefined ? 'key' : 'value'
    throw invalid(`${where}: needs the option ${part}, a serde: a step before it has made a new ${part}`)
  }
  return { kind: 'repartition', name: options.name, key, value, partitions: options.partitions }
}
