import avsc from 'avsc'

/*
 * What this package needs of avsc 5.7 beyond its type declarations. avsc has no hook for how a type reads, so its classes
 * are extended; nothing of avsc itself is changed. The guards that stand on this have tests that fail when avsc renames
 * one of these members.
 */

export interface Tap {
  readonly buf: Buffer
  pos: number
  readInt(): number
  readLong(): number
  readString(): string
  skipString(): void
  writeInt(value: number): void
  writeLong(value: number): void
  writeString(value: string): void
}

/** Called for every value that does not fit its type. The path is known to avsc's `isValid`, which adds it. */
export type CheckHook = (value: unknown, type: AvroType) => void

export interface Resolver {
  _read: (tap: Tap, lazy?: boolean) => unknown
}

export interface ResolveOptions {
  readonly ignoreNamespaces?: boolean
}

export interface AvroType extends avsc.Type {
  readonly types?: readonly AvroType[]
  readonly itemsType?: AvroType
  readonly valuesType?: AvroType
  readonly fields?: readonly AvroField[]
  readonly underlyingType?: AvroType
  readonly symbols?: readonly string[]
  readonly size?: number
  _read(tap: Tap): unknown
  _skip(tap: Tap): void
  _write(tap: Tap, value: unknown): void
  _check(value: unknown, flags: number, hook?: CheckHook, path?: string[]): boolean
  _copy(value: unknown, options?: object): unknown
  _update(resolver: Resolver, writer: AvroType, options: ResolveOptions): void
}

export interface AvroField {
  readonly name: string
  readonly aliases: readonly string[]
  readonly type: AvroType
  /** Undefined for a field without a default. */
  defaultValue(): unknown
}

export interface AvroArray extends AvroType {
  readonly itemsType: AvroType
}

export interface AvroMap extends AvroType {
  readonly valuesType: AvroType
}

export interface AvroEnum extends AvroType {
  readonly symbols: readonly string[]
  readonly default?: string
  readonly _indices: Readonly<Record<string, number>>
}

export interface AvroUnion extends AvroType {
  readonly types: readonly AvroType[]
}

export interface AvroRecord extends AvroType {
  readonly fields: readonly AvroField[]
  /** Takes the fields' values in their order; `undefined` becomes the default. */
  readonly recordConstructor: unknown
  _createConstructor(errorStacks: boolean, plain: boolean): { prototype: object }
  _createChecker(): AvroType['_check']
  _createReader(): (tap: Tap) => unknown
  _createSkipper(): (tap: Tap) => void
  _createWriter(): (tap: Tap, value: unknown) => void
}

export interface AvroLogical extends AvroType {
  readonly underlyingType: AvroType
}

export interface TypeOptions {
  readonly registry: Record<string, AvroType>
  readonly typeHook: (schema: unknown, options: TypeOptions) => AvroType | undefined
}

type TypeConstructor<T extends AvroType> = new (schema?: unknown, options?: object) => T

const types = avsc.types as unknown as {
  readonly ArrayType: TypeConstructor<AvroArray>
  readonly MapType: TypeConstructor<AvroMap>
  readonly EnumType: TypeConstructor<AvroEnum>
  readonly RecordType: TypeConstructor<AvroRecord>
  readonly IntType: TypeConstructor<AvroType>
  readonly LongType: TypeConstructor<AvroType>
  readonly FloatType: TypeConstructor<AvroType>
  readonly DoubleType: TypeConstructor<AvroType>
  readonly StringType: TypeConstructor<AvroType>
  readonly LogicalType: TypeConstructor<AvroLogical>
  readonly UnwrappedUnionType: TypeConstructor<
    AvroUnion & {
      readonly _bucketIndices: Record<string, number>
      _getIndex(value: unknown): number | undefined
    }
  >
  readonly WrappedUnionType: TypeConstructor<AvroUnion>
}

export const ArrayType: typeof types.ArrayType = types.ArrayType
export const MapType: typeof types.MapType = types.MapType
export const EnumType: typeof types.EnumType = types.EnumType
export const RecordType: typeof types.RecordType = types.RecordType
export const IntType: typeof types.IntType = types.IntType
export const LongType: typeof types.LongType = types.LongType
export const FloatType: typeof types.FloatType = types.FloatType
export const DoubleType: typeof types.DoubleType = types.DoubleType
export const StringType: typeof types.StringType = types.StringType
export const LogicalType: typeof types.LogicalType = types.LogicalType
export const UnwrappedUnionType: typeof types.UnwrappedUnionType = types.UnwrappedUnionType
export const WrappedUnionType: typeof types.WrappedUnionType = types.WrappedUnionType

export function typeForSchema(schema: unknown, options: TypeOptions): AvroType {
  return avsc.Type.forSchema(schema as never, options as never) as AvroType
}
