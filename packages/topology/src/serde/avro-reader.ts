import { TopologyError } from '../errors.ts'
import type { AvroType, Resolver } from './avsc-internals.ts'
import { compileCheck, compileReader, type CompiledReader } from './compiled/compile-reader.ts'
import { buildType } from './avro-type.ts'
import { beginDecode } from './decode-bounds.ts'
import type { AvroValueOptions } from './infer-avro.ts'
import { parseSchema } from './normalize-schema.ts'
import { incompatible } from './registration.ts'
import { differences, resolve } from './resolution.ts'
import type { SchemaRegistry } from './schema-registry.ts'
import { SchemaNotLoaded } from './serde.ts'
import { type CodecPlace, describePlace, FRAME_BYTES, unreadable } from './wire-format.ts'

/** What a writer's schema is read with. */
export interface Reading<R> {
  readonly type: AvroType
  readonly resolver: Resolver | undefined
  /** Undefined where the process may not make code. */
  readonly compiled: CompiledReader | undefined
  /** As `compiled`, without making the value. */
  readonly check: CompiledReader | undefined
  /** Handed through from `ReaderChoice`: what the codec needs to know about the branch that was chosen. */
  readonly tag: R
}

/** Picks the reader's type for a writer's. A string says why there is none. */
export type ReaderChoice<R> = (writer: AvroType) => { readonly type: AvroType; readonly tag: R } | string

export interface ReaderOptions<R> {
  readonly place: CodecPlace
  readonly registry: SchemaRegistry
  readonly values: AvroValueOptions
  readonly choose: ReaderChoice<R>
}

/**
 * The writers' schemas of one topic by their ids, each with what reads it. Ids that are not known are fetched once, however
 * many records name them meanwhile.
 */
export class WriterSchemas<R> {
  readonly #options: ReaderOptions<R>
  /** A string says why the schema's records can never be read. */
  readonly #readings = new Map<number, Reading<R> | string>()
  readonly #flights = new Map<number, Promise<void>>()
  #lastId = -1
  #last: Reading<R> | undefined

  constructor(options: ReaderOptions<R>) {
    this.#options = options
  }

  /** Reads the frame's schema id and answers what reads it. */
  forFrame(bytes: Buffer, start: number, end: number): Reading<R> {
    const { place } = this.#options
    if (end - start < FRAME_BYTES)
      throw unreadable(place, `an Avro frame has at least ${FRAME_BYTES} bytes`, { bytes, start, end })
    if (bytes[start] !== 0)
      throw unreadable(place, 'it does not start with the magic byte 0 of the Confluent format', {
        bytes,
        start,
        end,
      })
    const id = bytes.readInt32BE(start + 1)
    if (id === this.#lastId && this.#last !== undefined) return this.#last
    const reading = this.#readings.get(id)
    if (reading === undefined) throw new SchemaNotLoaded(id, () => this.load(id))
    if (typeof reading === 'string') throw unreadable(place, reading, { bytes, start, end })
    this.#lastId = id
    this.#last = reading
    return reading
  }

  /** Fetches a schema. Rejects with TOPOLOGY_SCHEMA_UNKNOWN or TOPOLOGY_REGISTRY_UNAVAILABLE; a schema that cannot be read is kept as such. */
  load(id: number): Promise<void> {
    const known = this.#flights.get(id)
    if (known !== undefined) return known
    const flight = this.#fetch(id).finally(() => this.#flights.delete(id))
    this.#flights.set(id, flight)
    return flight
  }

  async #fetch(id: number): Promise<void> {
    let text: string
    try {
      text = await this.#options.registry.schemaById(id)
    } catch (error) {
      if (!TopologyError.is(error) || error.code !== 'TOPOLOGY_SCHEMA_INVALID') throw error
      this.#readings.set(id, `its schema ${id} cannot be used: ${error.message}`)
      return
    }
    this.#readings.set(id, this.#read(id, text))
  }

  /**
   * Takes the latest schema of a subject, where there is one.
   * @throws TOPOLOGY_SCHEMA_INCOMPATIBLE when its records cannot be read
   */
  async addLatest(subject: string): Promise<void> {
    const { place, registry } = this.#options
    const latest = await registry.latest(subject)
    if (latest === undefined) return
    const reading = this.#read(latest.id, latest.schema)
    this.#readings.set(latest.id, reading)
    if (typeof reading !== 'string') return
    throw incompatible(`Cannot read ${describePlace(place)}, by the latest version of subject ${subject}`, [
      reading,
    ])
  }

  #read(id: number, text: string): Reading<R> | string {
    let writer: AvroType
    try {
      writer = buildType(parseSchema(text), this.#options.values)
    } catch (error) {
      return `its schema ${id} cannot be used: ${(error as Error).message}`
    }
    const choice = this.#options.choose(writer)
    if (typeof choice === 'string') return `its schema ${id} is ${choice}`
    try {
      return { ...choice, ...resolved(choice.type, writer) }
    } catch {
      return `its schema ${id} cannot be read: ${differences(choice.type, writer).join('; ')}`
    }
  }
}

/** What reads values that were written with the reader's own type. */
export function ownReading(type: AvroType): Reading<undefined> {
  return { type, tag: undefined, ...resolved(type, type) }
}

function resolved(
  type: AvroType,
  writer: AvroType,
): Pick<Reading<unknown>, 'resolver' | 'compiled' | 'check'> {
  const { resolver, options } = resolve(type, writer)
  const written = resolver === undefined ? type : writer
  return {
    resolver,
    compiled: compileReader(type, written, options),
    check: compileCheck(type, written, options),
  }
}

/** Decodes one framed value in place, by compiled code where it can. Everything that the bytes can do wrong ends as TOPOLOGY_DESERIALIZATION_FAILED. */
export function decodeFramed(
  place: CodecPlace,
  reading: Reading<unknown>,
  frame: { readonly bytes: Buffer; readonly start: number; readonly end: number },
): unknown {
  const { bytes, start, end } = frame
  const { compiled } = reading
  if (compiled !== undefined)
    try {
      return compiled(bytes, start + FRAME_BYTES, end)
    } catch {
      // Compiled code knows no messages: what is wrong, if anything is, the plain path finds out.
    }
  return decodePlainly(place, reading, frame)
}

/** Throws what `decodeFramed` throws. */
export function checkFramed(
  place: CodecPlace,
  reading: Reading<unknown>,
  frame: { readonly bytes: Buffer; readonly start: number; readonly end: number },
): void {
  const { check } = reading
  if (check !== undefined)
    try {
      check(frame.bytes, frame.start + FRAME_BYTES, frame.end)
      return
    } catch {
      // What is wrong, if anything is, reading it says.
    }
  decodeFramed(place, reading, frame)
}

function decodePlainly(
  place: CodecPlace,
  reading: Reading<unknown>,
  frame: { readonly bytes: Buffer; readonly start: number; readonly end: number },
): unknown {
  const { bytes, start, end } = frame
  let decoded: { readonly value: unknown; readonly offset: number }
  beginDecode(end)
  try {
    decoded = reading.type.decode(bytes, start + FRAME_BYTES, reading.resolver as never)
  } catch (cause) {
    throw unreadable(place, (cause as Error).message, { bytes, start, end, cause })
  }
  if (decoded.offset === end) return decoded.value
  // avsc reads on into what follows in the fetched buffer, and says -1 when it has run off the end of that.
  const reason =
    decoded.offset > end || decoded.offset < 0
      ? 'the bytes end before the value does'
      : leftOver(end - decoded.offset)
  throw unreadable(place, reason, { bytes, start, end })
}

function leftOver(bytes: number): string {
  return `${bytes} ${bytes === 1 ? 'byte is' : 'bytes are'} left over after the value`
}
