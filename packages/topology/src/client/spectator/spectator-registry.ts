import type { RegisteredSchema, SchemaRegistry } from '../../serde/schema-registry.ts'

/** Far from what a registry has given out by now. */
const FIRST_IMAGINED_ID = 2_147_483_647

/** A registry in which nothing is registered: a schema that it lacks seems to be there, under an id that no one else sees. */
export function spectatorRegistry(registry: SchemaRegistry): SchemaRegistry {
  const idsBySchema = new Map<string, number>()
  /** The latest of the subjects that have an imagined one. */
  const imagined = new Map<string, RegisteredSchema>()
  return {
    latest: subject => {
      const schema = imagined.get(subject)
      return schema === undefined ? registry.latest(subject) : Promise.resolve(schema)
    },
    async idOf(subject, schema) {
      const known = await registry.idOf(subject, schema)
      return known ?? (imagined.get(subject)?.schema === schema ? idsBySchema.get(schema) : undefined)
    },
    checkCompatibility: (subject, schema) => registry.checkCompatibility(subject, schema),
    schemaById: id => {
      for (const [schema, known] of idsBySchema) if (known === id) return Promise.resolve(schema)
      return registry.schemaById(id)
    },
    async register(subject, schema) {
      const known = await registry.idOf(subject, schema)
      if (known !== undefined) return known
      const id = idsBySchema.get(schema) ?? FIRST_IMAGINED_ID - idsBySchema.size
      idsBySchema.set(schema, id)
      imagined.set(subject, { id, schema })
      return id
    },
  }
}
