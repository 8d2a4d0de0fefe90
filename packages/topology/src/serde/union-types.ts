import {
  type AvroType,
  type ResolveOptions,
  type Resolver,
  type Tap,
  UnwrappedUnionType,
  WrappedUnionType,
} from './avsc-internals.ts'
import { MalformedAvro } from './decode-bounds.ts'

/** The kinds of JavaScript values that a union can tell apart. Must agree with `Bucket` in infer-avro.ts. */
export type Bucket = 'null' | 'boolean' | 'number' | 'bigint' | 'string' | 'buffer' | 'array' | 'object'

/** A type whose values are not what avsc would make of its Avro type. */
export interface WithBucket {
  readonly bucket: Bucket
}

export function bucketOfType(type: AvroType & Partial<WithBucket>): Bucket {
  if (type.bucket !== undefined) return type.bucket
  switch (type.typeName) {
    case 'null':
    case 'boolean':
    case 'string':
    case 'array':
      return type.typeName
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return 'number'
    case 'enum':
      return 'string'
    case 'bytes':
    case 'fixed':
      return 'buffer'
    default:
      return 'object'
  }
}

function bucketOfValue(value: unknown): string {
  if (typeof value !== 'object') return typeof value
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return Buffer.isBuffer(value) ? 'buffer' : 'object'
}

export function unionOf(branches: readonly AvroType[], options: object): AvroType {
  const buckets = new Set(branches.map(bucketOfType))
  return buckets.size === branches.length
    ? new PlainUnion(branches, options)
    : new NamedUnion(branches, options)
}

/** A union whose values say by themselves which branch they are of. */
class PlainUnion extends UnwrappedUnionType {
  constructor(branches: readonly AvroType[], options: object) {
    super(branches, options)
    // avsc finds logical branches by trying each; here each branch has a kind of its own.
    for (const [index, branch] of this.types.entries()) this._bucketIndices[bucketOfType(branch)] = index
  }

  override _getIndex(value: unknown): number | undefined {
    return this._bucketIndices[bucketOfValue(value)]
  }

  override _update(resolver: Resolver, writer: AvroType, options: ResolveOptions): void {
    const match = bestBranch(this.types, writer, options)
    if (match !== undefined) resolver._read = tap => match.resolver._read(tap)
  }
}

/** A union whose values are wrapped by their branch's name, null excepted. */
class NamedUnion extends WrappedUnionType {
  override _read(tap: Tap): unknown {
    const index = tap.readLong()
    const branch = this.types[index]
    if (branch === undefined)
      throw new MalformedAvro(`a union of ${this.types.length} has the index ${index}`)
    return wrap(branch, branch._read(tap))
  }

  override _skip(tap: Tap): void {
    const index = tap.readLong()
    const branch = this.types[index]
    if (branch === undefined)
      throw new MalformedAvro(`a union of ${this.types.length} has the index ${index}`)
    branch._skip(tap)
  }

  override _copy(value: unknown, options?: object): unknown {
    const copy = super._copy(value, options)
    // avsc wraps in a class of its own; a default should equal a literal.
    return typeof copy === 'object' && copy !== null && !Buffer.isBuffer(copy) ? { ...copy } : copy
  }

  override _update(resolver: Resolver, writer: AvroType, options: ResolveOptions): void {
    const match = bestBranch(this.types, writer, options)
    if (match === undefined) return
    resolver._read = tap => wrap(match.branch, match.resolver._read(tap))
  }
}

function wrap(branch: AvroType, value: unknown): unknown {
  return branch.typeName === 'null' ? null : { [branch.branchName ?? branch.typeName]: value }
}

/** The branch that reads a writer's type: the same type where there is one (as in Java), else the first that promotes. */
export function bestBranch(
  branches: readonly AvroType[],
  writer: AvroType,
  options: ResolveOptions,
): { readonly branch: AvroType; readonly resolver: Resolver } | undefined {
  const isSame = (branch: AvroType): boolean =>
    branch.branchName === writer.branchName && branch.typeName === writer.typeName
  const candidates = [...branches.filter(isSame), ...branches.filter(branch => !isSame(branch))]
  for (const branch of candidates) {
    try {
      return { branch, resolver: branch.createResolver(writer, options) as unknown as Resolver }
    } catch {
      // Whether a branch can read the type is only answered by trying.
    }
  }
  return undefined
}
