import { exactly } from '../arguments.ts'
import { type Command, defineCommand } from '../command.ts'
import { CliError } from '../context.ts'
import { toJson } from '../json.ts'
import { loadTopology, MODULE_OPTIONS, MODULE_USAGE, type LoadedTopology } from '../topology-module.ts'
import { oneOf } from '../values.ts'

const FORMATS = ['text', 'mermaid', 'json'] as const

const USAGE = `Usage: tributary describe <topology module> [options]

What a topology is made of: its sub-topologies, sources, steps and tables. Nothing is connected to. The text is that of
Kafka Streams' Topology.describe(). The JSON is the same for the same topology: keep it with a release, and compare the next
one with it by tributary describe diff.

  --format <format>             text (default), mermaid or json
  --json                        the same as --format json

${MODULE_USAGE}`

/** `tributary describe`. */
export const DESCRIBE: Command = defineCommand({
  name: 'describe',
  summary:
    'what a topology is made of, as text, Mermaid or JSON; and what a change of it does (describe diff)',
  usage: USAGE,
  examples: [
    'describe src/topology.ts',
    'describe src/topology.ts --format mermaid > docs/topology.mmd',
    'describe src/topology.ts --json > topology.json',
    `describe src/topology.ts --export sinkTopology --args '[{"destination":{"$destination":"braze"},"lingerMs":250,"maxInFlight":4}]'`,
  ],
  options: {
    ...MODULE_OPTIONS,
    format: { type: 'string' },
    json: { type: 'boolean' },
  },
  async run({ values, positionals }, context, usage) {
    const [path] = exactly(positionals, ['topology module'], usage)
    const format = values.format === undefined ? undefined : oneOf('--format', values.format, FORMATS)
    if (values.json === true && format !== undefined && format !== 'json')
      throw new CliError(`--json and --format ${format} are two formats; one is needed.`, 2)
    const topology = await loadTopology(path, values, context)
    context.print(render(topology, values.json === true ? 'json' : (format ?? 'text')))
    return 0
  },
})

function render(topology: LoadedTopology, format: (typeof FORMATS)[number]): string {
  switch (format) {
    case 'text':
      return topology.describe()
    case 'mermaid':
      return topology.toMermaid()
    case 'json':
      return `${toJson(topology.toJSON(), 2)}\n`
  }
}
