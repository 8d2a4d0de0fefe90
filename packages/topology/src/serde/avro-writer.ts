import type { AvroType } from './avsc-internals.ts'
import type { CompiledWriter } from './compiled/compile-writer.ts'
import { NEEDS_ROOM } from './compiled/give-up.ts'
import { explainInvalid } from './invalid-value.ts'
import { Scratch } from './scratch.ts'
import { type CodecPlace, FRAME_BYTES, unwritable } from './wire-format.ts'

const INITIAL_BYTES = 1_024
/** Compiled code asks for more room than a value takes. Up to here it gets it; a larger value is measured first. */
const LARGEST_GROWN_BYTES = 1_048_576

/** Encodes values of one type, framed with its schema's id, into a buffer of its own. */
export class AvroWriter {
  readonly #place: CodecPlace
  readonly #type: AvroType
  readonly #compiled: CompiledWriter | undefined
  readonly #scratch = new Scratch(INITIAL_BYTES)

  /** Without compiled code everything is written by avsc's types. */
  constructor(place: CodecPlace, type: AvroType, schemaId: number, compiled: CompiledWriter | undefined) {
    this.#place = place
    this.#type = type
    this.#compiled = compiled
    this.#scratch.buffer[0] = 0
    this.#scratch.buffer.writeInt32BE(schemaId, 1)
  }

  encode(value: unknown): Buffer {
    const end = this.#encodeCompiled(value)
    return end > 0 ? this.#scratch.view(end) : this.#encodePlainly(value)
  }

  /** 0 where it is left to the plain path. */
  #encodeCompiled(value: unknown): number {
    const scratch = this.#scratch
    const compiled = this.#compiled
    if (compiled === undefined) return 0
    for (;;)
      try {
        return compiled(value, scratch.buffer, scratch.dataView, FRAME_BYTES)
      } catch (error) {
        // The plain path says what is wrong with a value, and for how much there must be room.
        if (error !== NEEDS_ROOM || scratch.buffer.length >= LARGEST_GROWN_BYTES) return 0
        scratch.reserve(scratch.buffer.length * 2, FRAME_BYTES)
      }
  }

  #encodePlainly(value: unknown): Buffer {
    const end = this.#encodeInto(value)
    if (end >= 0) return this.#scratch.view(end)
    // avsc counts on past the end, so what is missing is known after one pass.
    this.#scratch.reserve(this.#scratch.buffer.length - end, FRAME_BYTES)
    return this.#scratch.view(this.#encodeInto(value))
  }

  #encodeInto(value: unknown): number {
    try {
      return this.#type.encode(value, this.#scratch.buffer, FRAME_BYTES)
    } catch (cause) {
      throw unwritable(this.#place, explainInvalid(this.#type, value, cause as Error), cause)
    }
  }
}
