import type { CompiledTopology } from '../../plan/compiled.ts'
import type { SchemaRegistry } from '../../serde/schema-registry.ts'
import type { Serde } from '../../serde/serde.ts'

/** A schema that the code has for a subject. */
export interface CodeSchema {
  readonly subject: string
  readonly topic: string
  readonly part: 'key' | 'value'
  /** As it would be registered. */
  readonly text: string
  readonly isWritten: boolean
  readonly isRead: boolean
  /** Whether a start registers it. */
  readonly isAutoRegistered: boolean
}

interface Place {
  readonly topic: string
  readonly part: 'key' | 'value'
  readonly serde: Serde<unknown>
  isWritten: boolean
  isRead: boolean
}

/**
 * Every schema of a topology, by subject. Serdes are data until they are opened: each is opened as a writer against a registry
 * that only listens. So serdes of others are found as well, as far as they ask the registry.
 */
export async function schemasOf(topology: CompiledTopology): Promise<readonly CodeSchema[]> {
  const found: CodeSchema[] = []
  for (const place of placesIn(topology)) {
    const known = new Map<string, { readonly subject: string; readonly text: string }>()
    await openAgainst(place, (subject, text) => {
      known.set(JSON.stringify([subject, text]), { subject, text })
      return 1
    })
    const registered = new Set<string>()
    await openAgainst(
      place,
      () => undefined,
      (subject, text) => void registered.add(JSON.stringify([subject, text])),
    )
    const { topic, part, isWritten, isRead } = place
    for (const [id, { subject, text }] of known)
      found.push({ subject, topic, part, text, isWritten, isRead, isAutoRegistered: registered.has(id) })
  }
  return found.toSorted((a, b) => (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : 0))
}

function placesIn({ subTopologies, globalTables }: CompiledTopology): Iterable<Place> {
  const places = new Map<string, Place>()
  const add = (
    { topic, key, value }: { topic: string; key: Serde<unknown>; value: Serde<unknown> },
    uses: { readonly read: boolean; readonly write: boolean },
  ): void => {
    for (const [part, serde] of [['key', key] as const, ['value', value] as const]) {
      const id = `${part} ${topic}`
      const place = places.get(id) ?? { topic, part, serde, isWritten: false, isRead: false }
      place.isWritten ||= uses.write
      place.isRead ||= uses.read
      places.set(id, place)
    }
  }
  for (const { sources, tables, sinks, memories } of subTopologies) {
    for (const topic of [...sources, ...tables]) add(topic, { read: true, write: false })
    for (const topic of sinks) add(topic, { read: false, write: true })
    for (const topic of memories) add(topic, { read: true, write: true })
  }
  for (const topic of globalTables) add(topic, { read: true, write: false })
  return places.values()
}

async function openAgainst(
  { topic, part, serde }: Place,
  idOf: (subject: string, text: string) => number | undefined,
  onRegister: (subject: string, text: string) => void = () => undefined,
): Promise<void> {
  const registry: SchemaRegistry = {
    schemaById: () => Promise.reject(new Error('A registry that only listens has no schemas.')),
    latest: () => Promise.resolve(undefined),
    idOf: (subject, text) => Promise.resolve(idOf(subject, text)),
    checkCompatibility: () => Promise.resolve({ compatible: true, messages: [] }),
    register(subject, text) {
      onRegister(subject, text)
      return Promise.resolve(1)
    },
  }
  try {
    await serde.open({ topic, part, uses: { read: false, write: true }, registry })
  } catch {
    // A serde that registers nothing refuses to open without its schema: that is what is to be found out.
  }
}
