import { systemClock } from '../../clock.ts'
import { spectatorRegistry } from '../../client/spectator/spectator-registry.ts'
import { exactly } from '../arguments.ts'
import { type Command, defineCommand } from '../command.ts'
import { CONNECTION_OPTIONS, CONNECTION_USAGE, withClient } from '../connection.ts'
import { CliError } from '../context.ts'
import { toJson } from '../json.ts'
import { painter } from '../paint.ts'
import { placeOf, readRecord } from '../read-topic.ts'
import { REGISTRY_OPTIONS, registryAt } from '../registry.ts'
import { loadTopology, MODULE_OPTIONS, MODULE_USAGE } from '../topology-module.ts'
import { wholeNumber } from '../values.ts'
import { explain, maskedExplanation } from './explanation.ts'
import { renderExplanation } from './render.ts'
import { Explainer } from './run-record.ts'

const USAGE = `Usage: tributary explain <topology module> <topic> <partition> <offset> --brokers <host:port,…> [options]

Reads a record and runs it through the topology, by the tasks of an application: what each step was given and handed on, which
rows it was joined with and where they stand, why it was dropped or became a dead letter, and what would be written where.
Nothing is written, committed or registered.

The tables are loaded first, a partitioned one's own partition and a global one's all: their rows are those of now, not those of
when the record was processed. Steps run once, with an application's default policies. Functions of peek and foreach are not
called, deliveries are only shown, and the memory of a delivery is not looked at.

  --call                        calls enrichments, once; without it a record ends in front of them
  --registry <URL>              a Confluent-compatible schema registry; Avro needs it
  --masked                      values without their contents
  --full                        values of any length; without it 300 characters of each
  --json                        one JSON object

${MODULE_USAGE}
${CONNECTION_USAGE}`

/** `tributary explain`. */
export const EXPLAIN: Command = defineCommand({
  name: 'explain',
  summary: 'what a topology does with a record: each step, each row, each reason',
  usage: USAGE,
  examples: [
    'explain src/topology.ts customer-events 3 90412 --brokers localhost:9092 --registry http://localhost:8081',
    'explain src/topology.ts customer-events 3 90412 --brokers localhost:9092 --registry http://localhost:8081 --call --json',
  ],
  options: {
    ...MODULE_OPTIONS,
    ...CONNECTION_OPTIONS,
    ...REGISTRY_OPTIONS,
    call: { type: 'boolean' },
    masked: { type: 'boolean' },
    full: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  async run({ values, positionals }, context, usage) {
    const names = ['topology module', 'topic', 'partition', 'offset'] as const
    const [path, topic, partitionText, offsetText] = exactly(positionals, names, usage)
    const place = {
      topic,
      partition: wholeNumber('The partition', partitionText),
      offset: wholeNumber('The offset', offsetText),
    }
    const { compiled: topology, missingArguments } = await loadTopology(path, values, context)
    const sources = topology.subTopologies.flatMap(part => part.sources.map(source => source.topic))
    if (!sources.includes(topic))
      throw new CliError(`${topology.name} does not read ${topic}; it reads ${sources.join(', ')}.`, 1)
    const isCalling = values.call === true
    if (isCalling && missingArguments > 0)
      throw new CliError(
        `--call needs the function that an enrichment calls, and ${path} was built without ${missingArguments === 1 ? 'an argument' : `${missingArguments} arguments`}: export a topology that has it.`,
        1,
      )
    const registry = values.registry === undefined ? undefined : registryAt(values.registry, context)
    return await withClient(values, context, async kafka => {
      const record = await readRecord(kafka, place, context.signal)
      if (record === undefined) throw new CliError(`There is no record at ${placeOf(topic, place)}.`, 1)
      const explainer = await Explainer.open({
        topology,
        kafka,
        registry: registry && spectatorRegistry(registry),
        context,
        clock: context.clock ?? systemClock,
        isCalling,
      })
      const found = await explain(explainer, topic, record)
      const explanation = values.masked === true ? maskedExplanation(found) : found
      const paint = painter(context.isColoured === true)
      context.print(
        values.json === true
          ? `${toJson(explanation)}\n`
          : renderExplanation(explanation, paint, values.full === true),
      )
      return 0
    })
  },
})
