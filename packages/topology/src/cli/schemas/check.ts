import { exactly } from '../arguments.ts'
import { type Command, defineCommand } from '../command.ts'
import { toJson } from '../json.ts'
import { painter } from '../paint.ts'
import { REGISTRY_OPTIONS, requiredRegistry } from '../registry.ts'
import { loadTopology, MODULE_OPTIONS, MODULE_USAGE } from '../topology-module.ts'
import { schemasOf } from './collect.ts'
import { compareSchema } from './compare.ts'
import { isRefused, reportText } from './report.ts'

const USAGE = `Usage: tributary schemas check <topology module> --registry <URL> [options]

Compares each schema of the code with the registry, as a start does, and changes nothing: whether the registry takes what is
written, whether what is written with the latest schema can be read, and what differs from that one.

  registered     the registry has this very schema
  compatible     another one than the latest, and it fits
  new            the subject does not exist yet
  missing        not registered, and a start would not register it (autoRegister: false)
  incompatible   the registry refuses it, or the code cannot read what is written with the latest one

  --registry <URL>              a Confluent-compatible schema registry (required)
  --json                        one JSON object

${MODULE_USAGE}`

/** `tributary schemas check`. */
export const CHECK: Command = defineCommand({
  name: 'schemas check',
  summary: 'whether the schemas of the code fit those of the registry, and what differs',
  usage: USAGE,
  examples: [
    'schemas check src/topology.ts --registry http://localhost:8081/apis/ccompat/v7',
    'schemas check src/topology.ts --registry http://localhost:8081 --json',
  ],
  options: { ...MODULE_OPTIONS, ...REGISTRY_OPTIONS, json: { type: 'boolean' } },
  exitCodes: { 3: 'a schema is incompatible or missing: a start would stop at it' },
  async run({ values, positionals }, context, usage) {
    const [path] = exactly(positionals, ['topology module'], usage)
    const registry = requiredRegistry(values.registry, context)
    const { compiled } = await loadTopology(path, values, context)
    const reports = []
    for (const schema of await schemasOf(compiled)) reports.push(await compareSchema(registry, schema))
    const fits = !reports.some(isRefused)
    context.print(
      values.json === true
        ? `${toJson({ fits, schemas: reports })}\n`
        : reportText(reports, painter(context.isColoured === true)),
    )
    return fits ? 0 : 3
  },
})
