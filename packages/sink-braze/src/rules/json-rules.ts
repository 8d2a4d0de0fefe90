import { ALL_KINDS, sources, type BrazeRule, type Fields } from './rule.ts'

/** Deeper than anything that means something; a cycle is deeper still. */
const MAX_DEPTH = 32

function notJson(value: unknown, path: string, depth: number): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined
    case 'number':
      // JSON.stringify would write null.
      return Number.isFinite(value) ? undefined : `${path} is not a finite number`
    case 'object': {
      if (value === null) return undefined
      if (depth >= MAX_DEPTH) return `${path.slice(0, 100)}… lies more than ${MAX_DEPTH} levels deep`
      for (const [name, inner] of Object.entries(value)) {
        // A field that is left out; in an array it would become null.
        if (inner === undefined && !Array.isArray(value)) continue
        const innerPath = Array.isArray(value)
          ? `${path}[${name}]`
          : `${path}${path === '' ? '' : '.'}${name}`
        const problem = notJson(inner, innerPath, depth + 1)
        if (problem !== undefined) return problem
      }
      return undefined
    }
    default:
      return `${path} is a ${typeof value}`
  }
}

/** First of all: what cannot be written need not be looked at further, and must not throw when it is measured. */
export const jsonRules: readonly BrazeRule[] = [
  {
    id: 'json',
    appliesTo: ALL_KINDS,
    source: sources.json,
    otherwise: 'dropped',
    problem: (object: Fields) => {
      const problem = notJson(object, '', 0)
      return problem === undefined ? undefined : `${problem}, which JSON cannot hold`
    },
  },
]
