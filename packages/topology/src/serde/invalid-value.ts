import type { AvroType } from './avsc-internals.ts'
import { describeValue } from './describe-value.ts'
import { nameOf } from './resolution.ts'

const SHOWN = 3

/** Which fields of a value its schema does not take, for the message of an encoding that has failed. */
export function explainInvalid(type: AvroType, value: unknown, cause: Error): string {
  const found: string[] = []
  try {
    type.isValid(value, {
      errorHook(path, part, partType) {
        const seen = `${formatPath(path)} is ${describeSeen(part, partType as AvroType)}`
        found.push(`${seen}, ${describeType(partType as AvroType)} is needed`)
      },
    })
  } catch {
    // A value that contains itself cannot be walked to its end; what was found so far is still right.
  }
  if (found.length === 0)
    return cause instanceof RangeError
      ? 'the value is nested too deeply, or contains itself'
      : `${describeValue(value)} does not fit (${cause.message})`
  const more = found.length > SHOWN ? `; and ${found.length - SHOWN} more` : ''
  return found.slice(0, SHOWN).join('; ') + more
}

/** A wrong symbol or decimal is only understood when it is seen, and is no free text. */
function describeSeen(value: unknown, type: AvroType): string {
  const isShown = type.typeName === 'enum' || type.typeName === 'logical:decimal'
  return isShown && typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : describeValue(value)
}

function formatPath(path: readonly string[]): string {
  if (path.length === 0) return 'the value'
  return path
    .map((segment, i) => {
      if (/^\d+$/.test(segment)) return `[${segment}]`
      if (!/^[A-Za-z_]\w*$/.test(segment)) return `[${JSON.stringify(segment)}]`
      return i === 0 ? segment : `.${segment}`
    })
    .join('')
}

function describeType(type: AvroType): string {
  switch (type.typeName) {
    case 'int':
      return 'an int (a whole number of 32 bits)'
    case 'long':
      return 'a long (a whole number within ±9007199254740991)'
    case 'abstract:long':
      return 'a long (a bigint of 64 bits)'
    case 'float':
    case 'double':
      return `a ${type.typeName} (a number)`
    case 'bytes':
      return 'bytes (a Buffer)'
    case 'fixed':
      return `${nameOf(type)} (a Buffer of ${type.size} bytes)`
    case 'enum':
      return `one of ${(type.symbols ?? []).join(', ')}`
    case 'union:wrapped':
      return `one of ${(type.types ?? []).map(branch => (branch.typeName === 'null' ? 'null' : `{ ${JSON.stringify(branch.branchName)}: … }`)).join(', ')}`
    case 'union:unwrapped':
      return `one of ${(type.types ?? []).map(nameOf).join(', ')}`
    case 'string':
      return 'a string'
    case 'logical:decimal':
      return `a ${(type as AvroType & { readonly meaning: string }).meaning} (a string such as '12.50')`
    default:
      return nameOf(type)
  }
}
