import type { AvroRecord, AvroType } from '../avsc-internals.ts'
import { enterRecord, leaveRecord, minBytesOf } from '../decode-bounds.ts'
import { isRecursive } from '../guarded-types.ts'
import type { CodeBuilder } from './code-builder.ts'
import { GIVE_UP } from './give-up.ts'
import { countTypes, kindOf, LARGEST_INLINED } from './kinds.ts'
import { TAP } from './tap-bridge.ts'
import { cursor, readLength, skipBlock } from './varints.ts'

/** Code that moves `p` behind a value of a type without reading it. */
export class SkipCode {
  readonly #code: CodeBuilder
  readonly #needBounds: () => void
  readonly #functions = new Map<AvroType, string>()

  constructor(code: CodeBuilder, needBounds: () => void) {
    this.#code = code
    this.#needBounds = needBounds
  }

  add(type: AvroType): void {
    switch (kindOf(type)) {
      case 'null':
        return
      case 'boolean':
        return this.#code.line('p += 1;')
      case 'float':
        return this.#code.line('p += 4;')
      case 'double':
        return this.#code.line('p += 8;')
      case 'fixed':
        return this.#code.line(`p += ${type.size ?? 0};`)
      case 'int':
      case 'long':
      case 'bigint':
      case 'enum':
        return this.#code.line('while (b[p++] > 127);')
      case 'string':
      case 'bytes':
        return this.#text()
      case 'numeric-time':
      case 'converted':
        return this.add(type.underlyingType as AvroType)
      case 'record':
        return this.#record(type as AvroRecord)
      case 'plain-union':
      case 'named-union':
        return this.#union(type.types ?? [])
      case 'array':
        return this.#blocks(type, minBytesOf(type.itemsType as AvroType), () =>
          this.add(type.itemsType as AvroType),
        )
      case 'map':
        return this.#blocks(type, 1 + minBytesOf(type.valuesType as AvroType), () => {
          this.#text()
          this.add(type.valuesType as AvroType)
        })
      case 'other':
        return this.#leave(type)
    }
  }

  #text(): void {
    const length = this.#code.declare('b[p++]')
    this.#code.line(
      `if (${length} < 128 && (${length} & 1) === 0) p += ${length} >> 1; ` +
        `else { ${length} = ${this.#code.constant(readLength)}(b, p - 1, e - p); p = ${this.#code.constant(cursor)}.at + ${length}; }`,
    )
  }

  #union(branches: readonly AvroType[]): void {
    const index = this.#code.declare('b[p++]')
    for (const [i, branch] of branches.entries()) {
      this.#code.line(`${i === 0 ? '' : 'else '}if (${index} === ${i * 2}) {`)
      this.add(branch)
      this.#code.line('}')
    }
    this.#code.line(`else throw ${this.#code.constant(GIVE_UP)};`)
  }

  #blocks(type: AvroType, minItemBytes: number, skipItem: () => void): void {
    if (minItemBytes === 0) return this.#leave(type)
    const count = this.#code.declare('0')
    const skip = `(${count} = ${this.#code.constant(skipBlock)}(b, p, e, ${minItemBytes}), p = ${this.#code.constant(cursor)}.at, ${count})`
    this.#code.line(`while (${skip} >= 0) for (; ${count} > 0; ${count}--) {`)
    skipItem()
    this.#code.line('}')
  }

  #record(record: AvroRecord): void {
    const isNested = isRecursive(record)
    if (!isNested && countTypes(record) <= LARGEST_INLINED) return this.#fields(record)
    this.#code.line(`p = ${this.#functionFor(record, isNested)}(b, p, e);`)
  }

  #functionFor(record: AvroRecord, isNested: boolean): string {
    const known = this.#functions.get(record)
    if (known !== undefined) return known
    const code = this.#code
    const name = code.name()
    this.#functions.set(record, name)
    if (isNested) this.#needBounds()
    code.function(`${name}(b, p, e)`, () => {
      if (isNested) code.line(`${code.constant(enterRecord)}();`)
      this.#fields(record)
      if (isNested) code.line(`${code.constant(leaveRecord)}();`)
      code.line('return p;')
    })
    return name
  }

  #fields(record: AvroRecord): void {
    for (const field of record.fields) this.add(field.type)
  }

  #leave(type: AvroType): void {
    this.#needBounds()
    const tap = this.#code.constant(TAP)
    this.#code.line(
      `${tap}.buf = b; ${tap}.pos = p; ${this.#code.constant(type)}._skip(${tap}); p = ${tap}.pos;`,
    )
  }
}
