const LINE_WIDTH = 110
const INDENT = '  '
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/

/** JSON as a TypeScript literal in the style of the house: on one line where it fits, single quotes, bare keys. */
export function printLiteral(value: unknown, indent = '', column = 0): string {
  const line = printLine(value)
  if (column + line.length <= LINE_WIDTH || typeof value !== 'object' || value === null) return line
  const inner = indent + INDENT
  if (Array.isArray(value)) {
    const items = value.map(item => `${inner}${printLiteral(item, inner, inner.length + 1)},\n`)
    return `[\n${items.join('')}${indent}]`
  }
  const entries = Object.entries(value).map(([key, item]) => {
    const start = `${inner}${printKey(key)}: `
    return `${start}${printLiteral(item, inner, start.length + 1)},\n`
  })
  return `{\n${entries.join('')}${indent}}`
}

function printLine(value: unknown): string {
  if (typeof value === 'string') return printString(value)
  if (Array.isArray(value)) return `[${value.map(printLine).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).map(([key, item]) => `${printKey(key)}: ${printLine(item)}`)
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`
}

function printKey(key: string): string {
  // A plain __proto__ in a literal sets the prototype.
  if (key === '__proto__') return "['__proto__']"
  return IDENTIFIER.test(key) ? key : printString(key)
}

function printString(text: string): string {
  const json = JSON.stringify(text)
  if (!text.includes("'")) return `'${json.slice(1, -1).replaceAll('\\"', '"')}'`
  return text.includes('"') ? `'${json.slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'` : json
}
