import type { AvroType } from './avsc-internals.ts'
import { explainInvalid } from './invalid-value.ts'
import { Scratch } from './scratch.ts'
import { type CodecPlace, FRAME_BYTES, unwritable } from './wire-format.ts'

const INITIAL_BYTES = 1_024

/** Encodes values of one type, framed with its schema's id, into a buffer of its own. */
export class AvroWriter {
  readonly #place: CodecPlace
  readonly #type: AvroType
  readonly #scratch = new Scratch(INITIAL_BYTES)

  constructor(place: CodecPlace, type: AvroType, schemaId: number) {
    this.#place = place
    this.#type = type
    this.#scratch.buffer[0] = 0
    this.#scratch.buffer.writeInt32BE(schemaId, 1)
  }

  encode(value: unknown): Buffer {
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
