import { INT32_MAX, integer, oneOf, type OptionRule } from '../option-table.ts'
import type { Joiner, JoinNode, MissingRow, ValueMapper } from '../plan/node.ts'
import { functionRule, invalid, nameRule, rule, stepOptions, type StepOptionTable } from './options.ts'
import type { PlanBuilder } from './plan-builder.ts'
import type { ParkedInnerJoin } from './step-options.ts'
import { Table } from './table.ts'

interface JoinSettings {
  readonly name: string | undefined
  readonly joiner: Joiner
  readonly key: ValueMapper
  readonly missing: MissingRow | object | undefined
}

const SHARED = { name: nameRule, joiner: functionRule<Joiner>() }
const KEY = { key: functionRule<ValueMapper>() }
const POLICY = oneOf(['drop', 'dead-letter'], 'drop')
const PARKED = { parkForMs: integer({ fallback: 0, min: 1, max: INT32_MAX }) }
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null
const MISSING: Readonly<Record<JoinNode['outer'], OptionRule<MissingRow | object | undefined>>> = {
  inner: rule(
    `${POLICY.allowed} | { parkForMs, otherwise }`,
    value => POLICY.accepts(value) || isObject(value),
  ),
  left: rule('{ parkForMs }', isObject),
}

export function joinDraft(
  where: string,
  sides: { readonly outer: 'inner' | 'left'; readonly table: unknown; readonly plan: PlanBuilder },
  given: object,
): Omit<JoinNode, 'id' | 'name' | 'input'> & { readonly name: string | undefined } {
  const { outer, table, plan } = sides
  if (!(table instanceof Table)) throw invalid(`${where} takes a table or a global table`)
  plan.checkSame(where, table.plan)
  const isGlobal = table.scope === 'global'
  const rules = { ...SHARED, ...(isGlobal ? KEY : {}), missing: MISSING[outer] }
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
    ...missingRow(where, outer, options.missing),
  }
}

function missingRow(
  where: string,
  outer: JoinNode['outer'],
  missing: JoinSettings['missing'],
): Pick<JoinNode, 'missing' | 'parkForMs'> {
  if (typeof missing !== 'object') return { missing: missing ?? 'drop', parkForMs: undefined }
  const table = { ...PARKED, ...(outer === 'inner' ? { otherwise: POLICY } : {}) }
  const { parkForMs, otherwise = 'drop' } = stepOptions<ParkedInnerJoin>(
    `${where}: missing`,
    { table: table as StepOptionTable<ParkedInnerJoin>, required: ['parkForMs'] },
    missing,
  )
  return { missing: otherwise, parkForMs }
}
