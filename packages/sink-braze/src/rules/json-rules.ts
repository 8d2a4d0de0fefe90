import { ALL_KINDS, sources, type BrazeRule, type Fields } from './rule.ts'

/** Deeper than anything that means something; a cycle is deeper still. */
const MAX_DEPTH = 32

interface Fault {
  path: string
  readonly says: string
}

/** What JSON cannot hold. The path is put together on the way back from a fault: nearly every value has none. */
function faultOf(value: unknown, depth: number): Fault | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined
    case 'number':
      // JSON.stringify would write null.
      return Number.isFinite(value) ? undefined : { path: '', says: 'is not a finite number' }
    case 'object':
      return value === null ? undefined : faultInside(value, depth)
    default:
      return { path: '', says: `is a ${typeof value}` }
  }
}

function faultInside(value: object, depth: number): Fault | undefined {
  if (depth >= MAX_DEPTH) return { path: '', says: `lies more than ${MAX_DEPTH} levels deep` }
  const isArray = Array.isArray(value)
  for (const name of Object.keys(value)) {
    const inner = (value as Fields)[name]
    // A field that is left out; in an array it would become null.
    if (inner === undefined && !isArray) continue
    const fault = faultOf(inner, depth + 1)
    if (fault === undefined) continue
    const rest = fault.path === '' || fault.path.startsWith('[') ? fault.path : `.${fault.path}`
    fault.path = `${isArray ? `[${name}]` : name}${rest}`
    return fault
  }
  return undefined
}

/** First of all: what cannot be written need not be looked at further, and must not throw when it is measured. */
export const jsonRules: readonly BrazeRule[] = [
  {
    id: 'json',
    appliesTo: ALL_KINDS,
    source: sources.json,
    otherwise: 'dropped',
    problem: (object: Fields) => {
      const fault = faultOf(object, 0)
      if (fault === undefined) return undefined
      const shown = fault.path.length > 100 ? `${fault.path.slice(0, 100)}…` : fault.path
      return `${shown} ${fault.says}, which JSON cannot hold`
    },
  },
]
