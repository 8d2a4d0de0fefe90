import type { Predicate, SplitNode } from '../plan/node.ts'
import {
  checkFunction,
  checkName,
  invalid,
  isLegalName,
  nameRule,
  rule,
  show,
  stepOptions,
} from './options.ts'

interface SplitSettings {
  readonly name: string | undefined
  readonly default: string | undefined
}

/** The order of an object's members is the order in which they were written, but for these: they come first, sorted. */
const INTEGER_NAME = /^(0|[1-9]\d*)$/

export function splitBranches(
  where: string,
  branches: unknown,
  given: unknown,
): {
  readonly name: string | undefined
  readonly entries: SplitNode['branches']
  readonly defaultName: string | undefined
} {
  if (typeof branches !== 'object' || branches === null) {
    throw invalid(`${where} takes an object of predicates, not ${show(branches)}`)
  }
  const table = { name: nameRule, default: rule<string>('the name of a branch', isLegalName) }
  const options = stepOptions<SplitSettings>(where, { table }, given)
  const entries = Object.entries(branches).map(([name, predicate]: [string, unknown]) => {
    checkName(where, name)
    checkFunction(`${where}: branch ${name}`, predicate)
    if (INTEGER_NAME.test(name)) {
      throw invalid(`${where}: a branch cannot be called ${name}, because JavaScript does not keep its place`)
    }
    return { name, predicate: predicate as Predicate }
  })
  if (entries.length === 0) throw invalid(`${where} needs at least one branch`)
  if (entries.some(entry => entry.name === options.default)) {
    throw invalid(`${where}: the default branch ${options.default} has the name of another branch`)
  }
  return { name: options.name, entries, defaultName: options.default }
}
