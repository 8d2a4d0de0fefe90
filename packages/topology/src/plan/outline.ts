import type { CompiledTopology } from './compiled.ts'

/** A topology as its figures are told: each step's name is the `step` of the metrics. */
export interface TopologyOutline {
  readonly application: string
  /** Inputs before their users. */
  readonly steps: readonly StepOutline[]
  readonly tables: readonly TableOutline[]
}

export interface StepOutline {
  readonly name: string
  readonly kind: string
  /** Other steps, by name. */
  readonly inputs: readonly string[]
  /** What a source reads. */
  readonly reads?: string
  /** What a step writes, or chooses from for each record. */
  readonly writes: readonly string[]
  /** The table that a join looks up. */
  readonly table?: string
}

export interface TableOutline {
  readonly name: string
  readonly topic: string
  readonly scope: 'partitioned' | 'global'
}

export function outlineOf(topology: CompiledTopology): TopologyOutline {
  const sinks = topology.subTopologies.flatMap(part => part.sinks)
  const tables = [...topology.globalTables, ...topology.subTopologies.flatMap(part => part.tables)]
  return {
    application: topology.name,
    steps: topology.steps.map(({ name, kind, inputs, topic, table }) => ({
      name,
      kind,
      inputs,
      ...(topic !== undefined && { reads: topic }),
      writes: [...new Set(sinks.filter(sink => sink.name === name).map(sink => sink.topic))],
      ...(table !== undefined && { table }),
    })),
    tables: tables.map(({ name, topic, scope }) => ({ name, topic, scope })),
  }
}
