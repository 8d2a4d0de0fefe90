import { sourceNameOf } from './derived-names.ts'
import type { StepDescription, TableDescription, TopologyDescription } from './describe.ts'

/**
 * The text of Kafka Streams' `Topology.describe()`. A table is shown as Kafka Streams shows one: a source, the processor
 * that keeps its rows, and the store, under which its joins name it. Global tables are numbered behind the sub-topologies,
 * whose numbers are those of their tasks.
 */
export function describeAsText(topology: TopologyDescription): string {
  const parts = topology.subTopologies.map(({ id, sources, tables, steps }) => {
    const own = new Set(tables.map(table => table.name))
    const blocks = [
      ...sources.flatMap(({ name, topic, outputs }) => source(name, topic, outputs)),
      ...tables.flatMap(tableBlocks),
      ...steps.flatMap(step =>
        stepBlock(step, step.table !== undefined && own.has(step.table) ? [step.table] : []),
      ),
    ]
    return [`  Sub-topology: ${id}`, ...blocks]
  })
  const globals = topology.globalTables.map((table, index) => [
    `  Sub-topology: ${topology.subTopologies.length + index} for global store (will not generate tasks)`,
    ...tableBlocks(table),
  ])
  const text = [...parts, ...globals].map(lines => `${lines.join('\n')}\n`).join('\n')
  return `Topologies:\n ${text}`
}

function source(name: string, topic: string, outputs: readonly string[]): readonly string[] {
  return [`    Source: ${name} (topics: [${topic}])`, `      --> ${list(outputs)}`]
}

function tableBlocks(table: TableDescription): readonly string[] {
  const { name, topic } = table
  const sourceName = sourceNameOf(table)
  return [
    ...source(sourceName, topic, [name]),
    ...processor(name, [name], { inputs: [sourceName], outputs: [] }),
  ]
}

function stepBlock(step: StepDescription, stores: readonly string[]): readonly string[] {
  const { topics } = step
  if (topics === undefined) return processor(step.name, stores, step)
  // Kafka Streams knows no list here: it shows an extractor as that describes itself.
  const target =
    topics.length === 1 ? `topic: ${topics[0]}` : `extractor class: one of [${topics.join(', ')}]`
  return [`    Sink: ${step.name} (${target})`, `      <-- ${list(step.inputs)}`]
}

function processor(
  name: string,
  stores: readonly string[],
  { inputs, outputs }: Pick<StepDescription, 'inputs' | 'outputs'>,
): readonly string[] {
  return [
    `    Processor: ${name} (stores: [${stores.join(', ')}])`,
    `      --> ${list(outputs)}`,
    `      <-- ${list(inputs)}`,
  ]
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ')
}
