import type { AvroPrimitiveName, AvroSchema } from './avro-schema.ts'

/** How the values of a schema look where Avro leaves a choice. */
export interface AvroValueOptions {
  /**
   * `number` (default) reads what fits in 53 bits and refuses the rest; `bigint` takes every long. Timestamps stay
   * numbers.
   */
  readonly longs?: 'number' | 'bigint'
  /**
   * `number` (default) keeps the schema's own unit since the epoch: milliseconds, microseconds, days for `date`. `date`
   * makes a Date of `timestamp-millis`, `timestamp-micros` (cut to milliseconds) and `date` (midnight UTC).
   */
  readonly timestamps?: 'number' | 'date'
}

/**
 * A decimal in plain notation with exactly the schema's number of digits after the point, such as `'12.50'`. Writing
 * takes fewer digits too, never more.
 */
export type AvroDecimal = string

/** What stands in a type where a schema names a type that it does not define. */
export interface UnknownAvroName<Name extends string> {
  readonly __unknownAvroName: Name
}

// Names and namespaces. A name with a dot is a full name; otherwise the namespace is the schema's own or the enclosing one.

type NamespaceOfFullName<Name extends string> = Name extends `${infer Head}.${infer Rest}`
  ? Rest extends `${string}.${string}`
    ? `${Head}.${NamespaceOfFullName<Rest>}`
    : Head
  : ''

type Qualify<Name extends string, Space extends string> = Name extends `${string}.${string}`
  ? Name
  : Space extends ''
    ? Name
    : `${Space}.${Name}`

type FullNameOf<S, Space extends string> = S extends { readonly name: infer Name extends string }
  ? S extends { readonly namespace: infer Own extends string }
    ? Qualify<Name, Own>
    : Qualify<Name, Space>
  : never

type SpaceInside<S, Space extends string> = NamespaceOfFullName<FullNameOf<S, Space>>

interface Definition<Name extends string, S, Space extends string> {
  readonly name: Name
  readonly schema: S
  readonly space: Space
}

/** Every named type inside a schema, with the namespace in which its own names are looked up. */
type Definitions<S, Space extends string> = S extends string
  ? never
  : S extends readonly unknown[]
    ? Definitions<S[number], Space>
    : S extends {
          readonly type: 'record' | 'error'
          readonly fields: infer Fields extends readonly unknown[]
        }
      ? | Definition<FullNameOf<S, Space>, S, SpaceInside<S, Space>>
        | FieldDefinitions<Fields[number], SpaceInside<S, Space>>
      : S extends { readonly type: 'enum' | 'fixed' }
        ? Definition<FullNameOf<S, Space>, S, SpaceInside<S, Space>>
        : S extends { readonly type: 'array'; readonly items: infer Items }
          ? Definitions<Items, Space>
          : S extends { readonly type: 'map'; readonly values: infer Values }
            ? Definitions<Values, Space>
            : never

type FieldDefinitions<Field, Space extends string> = Field extends { readonly type: infer Type }
  ? Definitions<Type, Space>
  : never

type AnyDefinition = Definition<string, unknown, string>

type Find<Name extends string, Defs extends AnyDefinition> = Extract<Defs, { readonly name: Name }>

// Values.

type LongOf<O extends AvroValueOptions> = O extends { readonly longs: 'bigint' } ? bigint : number
type TimeOf<O extends AvroValueOptions> = O extends { readonly timestamps: 'date' } ? Date : number

interface PrimitiveValues<O extends AvroValueOptions> {
  readonly null: null
  readonly boolean: boolean
  readonly int: number
  readonly long: LongOf<O>
  readonly float: number
  readonly double: number
  readonly bytes: Buffer
  readonly string: string
}

type LongLogicalValue<L, O extends AvroValueOptions> = L extends 'timestamp-millis' | 'timestamp-micros'
  ? TimeOf<O>
  : L extends 'local-timestamp-millis' | 'local-timestamp-micros' | 'time-micros'
    ? number
    : LongOf<O>

/** A decimal without a precision is no decimal, and read as bytes. */
interface DecimalSchema {
  readonly logicalType: 'decimal'
  readonly precision: number
}

/** What a primitive's attributes make of it. */
type LogicalOf<S> = S extends DecimalSchema
  ? 'decimal'
  : S extends { readonly logicalType: 'decimal' }
    ? undefined
    : S extends { readonly logicalType: infer L }
      ? L
      : undefined

type Annotated<Type extends AvroPrimitiveName, L, O extends AvroValueOptions> = Type extends 'long'
  ? LongLogicalValue<L, O>
  : Type extends 'int'
    ? L extends 'date'
      ? TimeOf<O>
      : number
    : Type extends 'bytes'
      ? L extends 'decimal'
        ? AvroDecimal
        : Buffer
      : PrimitiveValues<O>[Type]

type Value<S, Space extends string, Defs extends AnyDefinition, O extends AvroValueOptions> = S extends string
  ? NamedValue<S, Space, Defs, O>
  : S extends readonly unknown[]
    ? UnionValue<S, Space, Defs, O>
    : S extends {
          readonly type: 'record' | 'error'
          readonly fields: infer Fields extends readonly unknown[]
        }
      ? {
          readonly [
            F in Fields[number] as F extends { readonly name: infer Name extends string } ? Name : never
          ]: F extends { readonly type: infer Type } ? Value<Type, SpaceInside<S, Space>, Defs, O> : never
        }
      : S extends { readonly type: 'enum'; readonly symbols: readonly (infer Symbol)[] }
        ? Symbol
        : S extends { readonly type: 'array'; readonly items: infer Items }
          ? readonly Value<Items, Space, Defs, O>[]
          : S extends { readonly type: 'map'; readonly values: infer Values }
            ? { readonly [key: string]: Value<Values, Space, Defs, O> }
            : S extends { readonly type: 'fixed' }
              ? S extends DecimalSchema
                ? AvroDecimal
                : Buffer
              : S extends { readonly type: infer Type extends AvroPrimitiveName }
                ? Annotated<Type, LogicalOf<S>, O>
                : never

type NamedValue<
  Name extends string,
  Space extends string,
  Defs extends AnyDefinition,
  O extends AvroValueOptions,
> = Name extends AvroPrimitiveName
  ? PrimitiveValues<O>[Name]
  : Find<Qualify<Name, Space>, Defs> extends Definition<string, infer S, infer Inside>
    ? [Find<Qualify<Name, Space>, Defs>] extends [never]
      ? UnknownAvroName<Qualify<Name, Space>>
      : Value<S, Inside, Defs, O>
    : never

// Unions. Two branches that a value could not be told apart by make every branch but null a wrapped one.

/** What kind of JavaScript value a branch has. Must agree with `bucketOf` in union-types.ts. */
type Bucket<
  S,
  Space extends string,
  Defs extends AnyDefinition,
  O extends AvroValueOptions,
> = S extends string
  ? S extends AvroPrimitiveName
    ? PrimitiveBucket<S, undefined, O>
    : Find<Qualify<S, Space>, Defs> extends Definition<string, infer Found, string>
      ? Bucket<Found, Space, Defs, O>
      : never
  : S extends { readonly type: infer Type }
    ? Type extends 'record' | 'error' | 'map'
      ? 'object'
      : Type extends 'array'
        ? 'array'
        : Type extends 'enum'
          ? 'string'
          : Type extends 'fixed'
            ? S extends DecimalSchema
              ? 'string'
              : 'buffer'
            : Type extends AvroPrimitiveName
              ? PrimitiveBucket<Type, LogicalOf<S>, O>
              : never
    : never

type PrimitiveBucket<Type extends AvroPrimitiveName, L, O extends AvroValueOptions> = BucketOfValue<
  Annotated<Type, L, O>
>

type BucketOfValue<V> = V extends null
  ? 'null'
  : V extends boolean
    ? 'boolean'
    : V extends number
      ? 'number'
      : V extends bigint
        ? 'bigint'
        : V extends string
          ? 'string'
          : V extends Buffer
            ? 'buffer'
            : 'object'

type IsAmbiguous<
  Branches extends readonly unknown[],
  Space extends string,
  Defs extends AnyDefinition,
  O extends AvroValueOptions,
  Seen = never,
> = Branches extends readonly [infer First, ...infer Rest]
  ? Bucket<First, Space, Defs, O> extends Seen
    ? true
    : IsAmbiguous<Rest, Space, Defs, O, Seen | Bucket<First, Space, Defs, O>>
  : false

/** A wrapped branch's key: a named type's full name, otherwise the type's own name. */
type BranchName<S, Space extends string> = S extends AvroPrimitiveName
  ? S
  : S extends string
    ? Qualify<S, Space>
    : S extends { readonly name: string }
      ? FullNameOf<S, Space>
      : S extends { readonly type: infer Type extends string }
        ? Type
        : never

type UnionValue<
  Branches extends readonly unknown[],
  Space extends string,
  Defs extends AnyDefinition,
  O extends AvroValueOptions,
> =
  IsAmbiguous<Branches, Space, Defs, O> extends true
    ? WrappedValue<Branches[number], Space, Defs, O>
    : PlainUnionValue<Branches[number], Space, Defs, O>

type PlainUnionValue<
  Branch,
  Space extends string,
  Defs extends AnyDefinition,
  O extends AvroValueOptions,
> = Branch extends unknown ? Value<Branch, Space, Defs, O> : never

type WrappedValue<
  Branch,
  Space extends string,
  Defs extends AnyDefinition,
  O extends AvroValueOptions,
> = Branch extends 'null' | { readonly type: 'null' }
  ? null
  : Branch extends unknown
    ? { readonly [Name in BranchName<Branch, Space>]: Value<Branch, Space, Defs, O> }
    : never

/**
 * The type of the values of an Avro schema that is written `as const`.
 *
 * Records, arrays and maps are read-only; enums are unions of their symbols; bytes and fixed are Buffers. A union is the
 * union of its branches as long as their values can be told apart: null, boolean, number, bigint, text (string, enum,
 * decimal), Buffer, array, object (record, map, Date), at most one branch of each. Otherwise each branch except null is
 * wrapped by its name: `{ 'com.example.Refund': … } | { 'com.example.Payment': … }`. A schema that is only known at run
 * time has values of type `unknown`.
 */
export type InferAvro<S extends AvroSchema, O extends AvroValueOptions = object> = AvroSchema extends S
  ? unknown
  : Value<S, '', Definitions<S, ''>, O>
