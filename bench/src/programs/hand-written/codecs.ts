import avsc from 'avsc'
import { schemaText, type SchemaName } from '../../job/schemas.ts'

/** Decodes framed Avro, resolving what was written to the job's own schema. */
export class FramedReader<T> {
  readonly #registryUrl: string
  readonly #type: avsc.Type
  readonly #resolvers = new Map<number, avsc.Resolver>()

  constructor(registryUrl: string, schema: SchemaName) {
    this.#registryUrl = registryUrl
    this.#type = typeOf(schema)
  }

  /** Values of this topic can be read from then on. */
  async prepare(topic: string): Promise<void> {
    const response = await fetch(`${this.#registryUrl}/subjects/${topic}-value/versions/latest`)
    const { id, schema } = (await response.json()) as { id: number; schema: string }
    this.#resolvers.set(id, this.#type.createResolver(avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema)))
  }

  read(bytes: Buffer): T {
    const resolver = this.#resolvers.get(bytes.readInt32BE(1))
    if (resolver === undefined) throw new Error(`unknown schema ${bytes.readInt32BE(1)}`)
    return this.#type.fromBuffer(bytes.subarray(5), resolver) as T
  }
}

export class FramedEncoder {
  readonly #type: avsc.Type
  readonly #frame: Buffer

  constructor(schema: SchemaName, id: number) {
    this.#type = typeOf(schema)
    this.#frame = Buffer.alloc(5)
    this.#frame.writeInt32BE(id, 1)
  }

  encode(value: unknown): Buffer {
    return Buffer.concat([this.#frame, this.#type.toBuffer(value)])
  }
}

function typeOf(schema: SchemaName): avsc.Type {
  return avsc.Type.forSchema(JSON.parse(schemaText(schema)) as avsc.Schema)
}
