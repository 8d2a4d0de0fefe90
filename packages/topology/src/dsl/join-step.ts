import { oneOf } from '../option-table.ts'
import type { Joiner, JoinNode, MissingRow, ValueMapper } from '../plan/node.ts'
import { functionRule, invalid, nameRule, stepOptions, type StepOptionTable } from './options.ts'
import type { PlanBuilder } from './plan-builder.ts'
import { Table } from './table.ts'

interface JoinSettings {
  readonly name: string | undefined
  readonly joiner: Joiner
  readonly key: ValueMapper
  readonly missing: MissingRow
}

const SHARED = { name: nameRule, joiner: functionRule<Joiner>() }
const KEY = { key: functionRule<ValueMapper>() }
const MISSING = { missing: oneOf(['drop', 'dead-letter'], 'drop') }

export function joinDraft(
  where: string,
  sides: { readonly outer: 'inner' | 'left'; readonly table: unknown; readonly plan: PlanBuilder },
  given: object,
): Omit<JoinNode, 'id' | 'name' | 'input'> & { readonly name: string | undefined } {
  const { outer, table, plan } = sides
  if (!(table instanceof Table)) throw invalid(`${where} takes a table or a global table`)
  plan.checkSame(where, table.plan)
  const isGlobal = table.scope === 'global'
  const rules = { ...SHARED, ...(isGlobal ? KEY : {}), ...(outer === 'inner' ? MISSING : {}) }
  const required: readonly (keyof JoinSettings)[] = isGlobal ? ['joiner', 'key'] : ['joiner']
  const options = stepOptions<JoinSettings>(
    where,
    { table: rules as unknown as StepOptionTable<JoinSettings>, required },
    given,
  )
  return {
    kind: 'join',
    name: options.name,
    table: table.node,
    outer,
    keyMapper: isGlobal ? options.key : undefined,
    joiner: options.joiner,
    missing: outer === 'inner' ? options.missing : 'drop',
  }
}
