import {
  ArrayType,
  type AvroType,
  type CheckHook,
  EnumType,
  IntType,
  MapType,
  RecordType,
  type ResolveOptions,
  type Resolver,
  StringType,
  type Tap,
} from './avsc-internals.ts'
import { recordResolver } from './record-resolution.ts'
import {
  enterRecord,
  leaveRecord,
  MalformedAvro,
  minBytesOf,
  readBlockCount,
  skipBlockCount,
} from './decode-bounds.ts'

/*
 * avsc's types with what it leaves open closed: counts are bounded before anything is allocated, recursion has a depth, an
 * invalid value never passes for a valid one, and decoded values are plain objects. Resolvers take their read function from
 * the reader's type, so each class covers them as well.
 */

/** Room that is made for an array before its items are seen: a count is a claim, and claims can be nested. */
const TRUSTED_ITEMS = 1_024

export class GuardedArray extends ArrayType {
  #minItemBytes: number | undefined

  override _read(tap: Tap): unknown {
    return readItems(this.itemsType, (this.#minItemBytes ??= minBytesOf(this.itemsType)), tap)
  }

  override _skip(tap: Tap): void {
    const minItemBytes = (this.#minItemBytes ??= minBytesOf(this.itemsType))
    for (let count = skipBlockCount(tap, minItemBytes); count !== undefined;) {
      while (count-- > 0) this.itemsType._skip(tap)
      count = skipBlockCount(tap, minItemBytes)
    }
  }

  override _update(
    resolver: Resolver & { itemsType?: Resolver },
    writer: AvroType,
    options: ResolveOptions,
  ): void {
    super._update(resolver, writer, options)
    const items = resolver.itemsType
    if (items === undefined || writer.itemsType === undefined) return
    const writerItems = writer.itemsType
    let minItemBytes: number | undefined
    resolver._read = tap => readItems(items, (minItemBytes ??= minBytesOf(writerItems)), tap)
  }
}

function readItems(items: { _read(tap: Tap): unknown }, minItemBytes: number, tap: Tap): unknown[] {
  let count = readBlockCount(tap, minItemBytes)
  // oxlint-disable-next-line unicorn/no-new-array -- setting the length afterwards is a call into the runtime
  const values: unknown[] = count <= TRUSTED_ITEMS ? new Array<unknown>(count) : []
  let i = 0
  while (count > 0) {
    while (count-- > 0) values[i++] = items._read(tap)
    count = readBlockCount(tap, minItemBytes)
  }
  return values
}

export class GuardedMap extends MapType {
  override _read(tap: Tap): unknown {
    return readEntries(this.valuesType, 1 + minBytesOf(this.valuesType), tap)
  }

  override _skip(tap: Tap): void {
    const minEntryBytes = 1 + minBytesOf(this.valuesType)
    for (let count = skipBlockCount(tap, minEntryBytes); count !== undefined;) {
      while (count-- > 0) {
        tap.skipString()
        this.valuesType._skip(tap)
      }
      count = skipBlockCount(tap, minEntryBytes)
    }
  }

  override _write(tap: Tap, value: unknown): void {
    if (!isPlainObject(value)) throw new TypeError('not a map')
    super._write(tap, value)
  }

  override _check(value: unknown, flags: number, hook?: CheckHook, path?: string[]): boolean {
    if (isPlainObject(value)) return super._check(value, flags, hook, path)
    hook?.(value, this)
    return false
  }

  override _update(
    resolver: Resolver & { valuesType?: Resolver },
    writer: AvroType,
    options: ResolveOptions,
  ): void {
    super._update(resolver, writer, options)
    const values = resolver.valuesType
    if (values === undefined || writer.valuesType === undefined) return
    const writerValues = writer.valuesType
    resolver._read = tap => readEntries(values, 1 + minBytesOf(writerValues), tap)
  }
}

function readEntries(
  values: { _read(tap: Tap): unknown },
  minEntryBytes: number,
  tap: Tap,
): Record<string, unknown> {
  const entries: Record<string, unknown> = {}
  let count = readBlockCount(tap, minEntryBytes)
  while (count > 0) {
    while (count-- > 0) {
      const key = tap.readString()
      const value = values._read(tap)
      if (key === '__proto__') defineEntry(entries, key, value)
      else entries[key] = value
    }
    count = readBlockCount(tap, minEntryBytes)
  }
  return entries
}

/** A plain assignment to `__proto__` would change the object's prototype and lose the entry. */
export function defineEntry(entries: object, key: string, value: unknown): void {
  Object.defineProperty(entries, key, { value, enumerable: true, configurable: true, writable: true })
}

/** A Map, a Date or a Buffer would be written as an object without entries. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' && value !== null && Object.prototype.toString.call(value) === '[object Object]'
  )
}

export class GuardedEnum extends EnumType {
  // avsc looks symbols up in an object with a prototype: `constructor` would be written as the first symbol.
  override _check(value: unknown, _flags: number, hook?: CheckHook): boolean {
    if (typeof value === 'string' && Object.hasOwn(this._indices, value)) return true
    hook?.(value, this)
    return false
  }

  override _write(tap: Tap, value: unknown): void {
    const index = typeof value === 'string' ? this._indices[value] : undefined
    if (typeof index !== 'number') throw new TypeError('not a symbol of the enum')
    tap.writeLong(index)
  }
}

export class GuardedRecord extends RecordType {
  // Decoded records are plain objects: equal to a literal, and without methods that a field could collide with.
  override _createConstructor(): { prototype: object } {
    const constructor = super._createConstructor(false, true)
    constructor.prototype = Object.prototype
    return constructor
  }

  override _createReader(): (tap: Tap) => unknown {
    const read = super._createReader()
    return isRecursive(this) ? bounded(read) : read
  }

  override _createSkipper(): (tap: Tap) => void {
    const skip = super._createSkipper()
    return isRecursive(this) ? bounded(skip) : skip
  }

  // avsc reads the fields of whatever it is given: a number would be written as a record of all defaults.
  override _createWriter(): (tap: Tap, value: unknown) => void {
    const write = super._createWriter()
    return (tap, value) => {
      if (!isRecordLike(value)) throw new TypeError('not a record')
      write(tap, value)
    }
  }

  override _createChecker(): AvroType['_check'] {
    const check = super._createChecker()
    return (...args) => {
      const [value, , hook] = args
      if (isRecordLike(value)) return check.apply(this, args)
      hook?.(value, this)
      return false
    }
  }

  override _update(resolver: Resolver, writer: AvroType, options: ResolveOptions): void {
    const read = recordResolver(this, writer, options)
    resolver._read = isRecursive(this) ? bounded(read) : read
  }
}

function isRecordLike(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function bounded<A extends unknown[], R>(work: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    enterRecord()
    const result = work(...args)
    leaveRecord()
    return result
  }
}

/** Whether a record can hold itself. While types are built the enclosing ones have no fields yet: they check later. */
export function isRecursive(record: AvroType): boolean {
  const seen = new Set<AvroType>()
  const reaches = (type: AvroType): boolean => {
    if (type === record) return true
    if (seen.has(type)) return false
    seen.add(type)
    const parts = [
      ...(type.types ?? []),
      ...(type.fields ?? []).map(field => field.type),
      type.itemsType,
      type.valuesType,
    ]
    return parts.some(part => part !== undefined && reaches(part))
  }
  return (record.fields ?? []).some(field => reaches(field.type))
}

class GuardedInt extends IntType {
  override _read(tap: Tap): number {
    const value = tap.readInt()
    if (value !== (value | 0)) throw new MalformedAvro(`an int is ${value}, beyond 32 bits`)
    return value
  }

  // A bigint would end avsc's own check with a TypeError, and with it the search for the path.
  override _check(value: unknown, flags: number, hook?: CheckHook): boolean {
    if (typeof value === 'number') return super._check(value, flags, hook)
    hook?.(value, this)
    return false
  }
}

class WellFormedString extends StringType {
  // avsc writes half a surrogate pair (an emoji cut by `slice`) as bytes that strict readers refuse.
  override _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'string') throw new TypeError('not a string')
    tap.writeString(value.isWellFormed() ? value : value.toWellFormed())
  }
}

export const INT: AvroType = new GuardedInt()
export const STRING: AvroType = new WellFormedString()
