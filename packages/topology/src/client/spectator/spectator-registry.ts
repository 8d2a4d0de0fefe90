import type { SchemaRegistry } from '../../serde/schema-registry.ts'

/** Far from what a registry has given out by now. */
const FIRST_IMAGINED_ID = 2_147_483_647

/** A registry in which nothing is registered: a schema that it lacks seems to be there, under an id that no one else sees. */
export function spectatorRegistry(registry: SchemaRegistry): SchemaRegistry {
  const imagined = new Map<number, string>()
  return {
    latest: subject => registry.latest(subject),
    idOf: (subject, schema) => registry.idOf(subject, schema),
    checkCompatibility: (subject, schema) => registry.checkCompatibility(subject, schema),
    schemaById: id => {
      const schema = imagined.get(id)
      return schema === undefined ? registry.schemaById(id) : Promise.resolve(schema)
    },
    async register(subject, schema) {
      const known = await registry.idOf(subject, schema)
      if (known !== undefined) return known
      for (const [id, text] of imagined) if (text === schema) return id
      const id = FIRST_IMAGINED_ID - imagined.size
      imagined.set(id, schema)
      return id
    },
  }
}
