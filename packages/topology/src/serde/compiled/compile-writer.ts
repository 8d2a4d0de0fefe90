import type { AvroEnum, AvroLogical, AvroRecord, AvroType } from '../avsc-internals.ts'
import { isPlainObject, isRecursive } from '../guarded-types.ts'
import { type Bucket, bucketOfType } from '../union-types.ts'
import { writeBytes, writeFixed } from './byte-copies.ts'
import { CodeBuilder } from './code-builder.ts'
import { GIVE_UP, NEEDS_ROOM } from './give-up.ts'
import { countTypes, kindOf, LARGEST_INLINED } from './kinds.ts'
import { TAP } from './tap-bridge.ts'
import { writeText } from './texts.ts'
import { isInt64, writeBigLong, writeLong } from './varints.ts'

/**
 * Writes a value at a position of a buffer, of which `view` is the DataView, and answers the position after it. Throws
 * NEEDS_ROOM when the buffer may be too small, and anything else at the first surprise: the plain path has to write the value
 * again, or to say what is wrong with it.
 */
export type CompiledWriter = (value: unknown, bytes: Buffer, view: DataView, start: number) => number

/**
 * A writer made for one schema: straight-line code that checks and writes field by field. Undefined where no code can be
 * made: the plain path then writes everything.
 */
export function compileWriter(type: AvroType): CompiledWriter | undefined {
  try {
    return new WriterCode().compile(type)
  } catch {
    return undefined
  }
}

/** A varint of 64 bits. */
const LONGEST_NUMBER = 10

/** How the value of an unwrapped union is told to be of a branch. Must agree with `bucketOfValue`. */
const IS_OF_BUCKET: Readonly<Record<Bucket, (value: string, isBuffer: string) => string>> = {
  null: value => `${value} === null`,
  boolean: value => `typeof ${value} === 'boolean'`,
  number: value => `typeof ${value} === 'number'`,
  bigint: value => `typeof ${value} === 'bigint'`,
  string: value => `typeof ${value} === 'string'`,
  array: value => `Array.isArray(${value})`,
  buffer: (value, isBuffer) => `${isBuffer}(${value})`,
  object: (value, isBuffer) =>
    `typeof ${value} === 'object' && ${value} !== null && !Array.isArray(${value}) && !${isBuffer}(${value})`,
}

/*
 * In generated code: `b` the bytes, `d` their DataView, `p` the position, `m` the limit. Every `write…` method adds the lines
 * that check and write the value of an expression.
 *
 * Room: everything of a fixed size that the whole code writes once is summed up in `#fixedBytes`, and the limit stands so far
 * before the buffer's end. It is looked at where the position moves by more: at texts and bytes, and at the start of whatever
 * is run several times.
 */
class WriterCode {
  readonly #code = new CodeBuilder()
  readonly #functions = new Map<AvroType, string>()
  #fixedBytes = 0

  compile(type: AvroType): CompiledWriter {
    const code = this.#code
    code.function('write(v, b, d, p)', () => {
      this.#write(type, 'v')
      code.line('return p;')
      code.prepend(`const m = b.length - ${this.#fixedBytes}; if (p > m) throw ${this.#use(NEEDS_ROOM)};`)
    })
    return code.build('write') as CompiledWriter
  }

  #use(value: unknown): string {
    return this.#code.constant(value)
  }

  #refuseUnless(condition: string): void {
    this.#code.line(`if (!(${condition})) throw ${this.#use(GIVE_UP)};`)
  }

  #refuseIf(condition: string): void {
    this.#code.line(`if (${condition}) throw ${this.#use(GIVE_UP)};`)
  }

  #checkRoom(): void {
    this.#code.line(`if (p > m) throw ${this.#use(NEEDS_ROOM)};`)
  }

  #write(type: AvroType, value: string): void {
    switch (kindOf(type)) {
      case 'record':
        return this.#recordPart(type as AvroRecord, value)
      case 'array':
        return this.#array(type.itemsType as AvroType, value)
      case 'map':
        return this.#map(type.valuesType as AvroType, value)
      case 'plain-union':
        return this.#union(type.types ?? [], value)
      case 'enum':
        return this.#enum(type as AvroEnum, value)
      case 'numeric-time':
        return this.#write((type as AvroLogical).underlyingType, value)
      case 'converted': {
        const underlying = this.#code.declare(`${this.#use(type)}._toValue(${value})`)
        this.#refuseIf(`${underlying} === undefined`)
        return this.#write((type as AvroLogical).underlyingType, underlying)
      }
      case 'string':
      case 'bytes':
      case 'fixed':
        return this.#bytes(type, value)
      case 'named-union':
      case 'other':
        return this.#leave(type, value)
      default:
        return this.#scalar(type, value)
    }
  }

  #scalar(type: AvroType, value: string): void {
    switch (kindOf(type)) {
      case 'null':
        return this.#refuseIf(`${value} !== null`)
      case 'boolean':
        this.#refuseIf(`typeof ${value} !== 'boolean'`)
        return this.#fixed(1, `b[p++] = ${value} ? 1 : 0;`)
      case 'float':
        this.#refuseIf(`typeof ${value} !== 'number'`)
        return this.#fixed(4, `d.setFloat32(p, ${value}, true); p += 4;`)
      case 'double':
        this.#refuseIf(`typeof ${value} !== 'number'`)
        return this.#fixed(8, `d.setFloat64(p, ${value}, true); p += 8;`)
      case 'int':
        this.#refuseIf(`${value} !== (${value} | 0)`)
        return this.#number(value)
      case 'long':
        this.#refuseUnless(`Number.isSafeInteger(${value})`)
        return this.#number(value)
      case 'bigint':
        this.#refuseUnless(`${this.#use(isInt64)}(${value})`)
        return this.#fixed(LONGEST_NUMBER, `p = ${this.#use(writeBigLong)}(b, p, ${value});`)
      default:
        throw new Error(`${type.typeName} is no scalar`)
    }
  }

  #fixed(bytes: number, code: string): void {
    this.#fixedBytes += bytes
    this.#code.line(code)
  }

  #number(value: string): void {
    this.#fixed(
      LONGEST_NUMBER,
      `if (${value} >= -64 && ${value} < 64) b[p++] = (${value} << 1) ^ (${value} >> 31); ` +
        `else p = ${this.#use(writeLong)}(b, p, ${value});`,
    )
  }

  #bytes(type: AvroType, value: string): void {
    const kind = kindOf(type)
    if (kind === 'string') this.#refuseIf(`typeof ${value} !== 'string'`)
    else this.#refuseUnless(`${this.#use(Buffer.isBuffer)}(${value})`)
    if (kind === 'fixed') this.#refuseIf(`${value}.length !== ${type.size ?? 0}`)
    const write = kind === 'string' ? writeText : kind === 'bytes' ? writeBytes : writeFixed
    this.#fixed(kind === 'fixed' ? 0 : LONGEST_NUMBER, `p = ${this.#use(write)}(b, p, ${value}, m);`)
  }

  #enum(type: AvroEnum, value: string): void {
    const indices = new Map(type.symbols.map((symbol, i) => [symbol, i]))
    const index = this.#code.declare(`${this.#use(indices)}.get(${value})`)
    this.#refuseIf(`${index} === undefined`)
    this.#number(index)
  }

  #union(branches: readonly AvroType[], value: string): void {
    const isBuffer = this.#use(Buffer.isBuffer)
    for (const [i, branch] of branches.entries()) {
      const condition = IS_OF_BUCKET[bucketOfType(branch)](value, isBuffer)
      this.#code.line(`${i === 0 ? '' : 'else '}if (${condition}) {`)
      this.#number(`${i}`)
      this.#write(branch, value)
      this.#code.line('}')
    }
    this.#code.line(`else throw ${this.#use(GIVE_UP)};`)
  }

  #array(items: AvroType, value: string): void {
    this.#refuseUnless(`Array.isArray(${value})`)
    const count = this.#code.declare(`${value}.length`)
    this.#code.line(`if (${count} > 0) {`)
    this.#number(count)
    const index = this.#code.name()
    this.#code.line(`for (let ${index} = 0; ${index} < ${count}; ${index}++) {`)
    this.#checkRoom()
    this.#write(items, this.#code.declare(`${value}[${index}]`))
    this.#code.line('}')
    this.#checkRoom()
    this.#code.line('}')
    this.#fixed(1, 'b[p++] = 0;')
  }

  #map(values: AvroType, value: string): void {
    this.#refuseUnless(`${this.#use(isPlainObject)}(${value})`)
    const keys = this.#code.declare(`Object.keys(${value})`)
    this.#code.line(`if (${keys}.length > 0) {`)
    this.#number(`${keys}.length`)
    const key = this.#code.name()
    this.#code.line(`for (const ${key} of ${keys}) {`)
    this.#checkRoom()
    this.#fixed(LONGEST_NUMBER, `p = ${this.#use(writeText)}(b, p, ${key}, m);`)
    this.#write(values, this.#code.declare(`${value}[${key}]`))
    this.#code.line('}')
    this.#checkRoom()
    this.#code.line('}')
    this.#fixed(1, 'b[p++] = 0;')
  }

  #recordPart(record: AvroRecord, value: string): void {
    if (!isRecursive(record) && countTypes(record) <= LARGEST_INLINED) return this.#record(record, value)
    this.#code.line(`p = ${this.#functionFor(record)}(${value}, b, d, p, m);`)
    this.#checkRoom()
  }

  #functionFor(record: AvroRecord): string {
    const known = this.#functions.get(record)
    if (known !== undefined) return known
    const name = this.#code.name()
    this.#functions.set(record, name)
    this.#code.function(`${name}(v, b, d, p, m)`, () => {
      this.#checkRoom()
      this.#record(record, 'v')
      this.#code.line('return p;')
    })
    return name
  }

  #record(record: AvroRecord, value: string): void {
    this.#refuseIf(`typeof ${value} !== 'object' || ${value} === null || Array.isArray(${value})`)
    for (const { name, type, defaultValue } of record.fields) {
      const field = this.#code.declare(`${value}[${JSON.stringify(name)}]`)
      const missing = defaultValue()
      if (missing === undefined) {
        this.#write(type, field)
        continue
      }
      this.#code.line(
        `if (${field} === undefined) p = ${this.#use(writeFixed)}(b, p, ${this.#use(type.toBuffer(missing))}, m);`,
      )
      this.#code.line('else {')
      this.#write(type, field)
      this.#code.line('}')
    }
  }

  /** Writes by avsc what this file does not know. A tap counts on past the end of the buffer, without writing there. */
  #leave(type: AvroType, value: string): void {
    const tap = this.#use(TAP)
    this.#code.line(
      `${tap}.buf = b; ${tap}.pos = p; ${this.#use(type)}._write(${tap}, ${value}); p = ${tap}.pos;`,
    )
    this.#checkRoom()
  }
}
