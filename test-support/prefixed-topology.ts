import type { CompiledTopology } from '@tributary/topology'

/**
 * A topology whose topics have fixed names, for a broker that it shares with other tests: every topic, and with it every
 * subject, its group and its dead-letter topic, begins with the prefix. What its steps do is untouched.
 */
export function prefixedTopology(
  { compiled }: { readonly compiled: CompiledTopology },
  prefix: string,
): { readonly compiled: CompiledTopology } {
  const prefixed = <Place extends { readonly topic: string }>(place: Place): Place => ({
    ...place,
    topic: prefix + place.topic,
  })
  return {
    compiled: {
      ...compiled,
      name: prefix + compiled.name,
      globalTables: compiled.globalTables.map(prefixed),
      repartitions: compiled.repartitions.map(prefixed),
      subTopologies: compiled.subTopologies.map(subTopology => ({
        ...subTopology,
        sources: subTopology.sources.map(prefixed),
        tables: subTopology.tables.map(prefixed),
        memories: subTopology.memories.map(prefixed),
        sinks: subTopology.sinks.map(prefixed),
        build(wiring) {
          const sink: typeof wiring.sink = (step, topic) => wiring.sink(step, prefix + topic)
          const handlers = subTopology.build({ ...wiring, sink })
          return new Map(Array.from(handlers, ([topic, handler]) => [prefix + topic, handler]))
        },
      })),
    },
  }
}
