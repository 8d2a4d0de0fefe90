import { registeredId } from '../../serde/registration.ts'
import { exactly } from '../arguments.ts'
import { type Command, defineCommand } from '../command.ts'
import { toJson } from '../json.ts'
import { painter } from '../paint.ts'
import { REGISTRY_OPTIONS, requiredRegistry } from '../registry.ts'
import { oneLine, plural } from '../text.ts'
import { loadTopology, MODULE_OPTIONS, MODULE_USAGE } from '../topology-module.ts'
import { type CodeSchema, schemasOf } from './collect.ts'
import { compareSchema, type SchemaReport } from './compare.ts'
import { reportText } from './report.ts'

const USAGE = `Usage: tributary schemas register <topology module> --registry <URL> [options]

Registers the schemas that the topology writes. Those of the topics that it only reads are their writers' to register. All are
compared first: where one does not fit, none is registered. What is registered already stays as it is.

  --all                         also those that are only read
  --registry <URL>              a Confluent-compatible schema registry (required)
  --json                        one JSON object

${MODULE_USAGE}`

/** `tributary schemas register`. */
export const REGISTER: Command = defineCommand({
  name: 'schemas register',
  summary: 'registers the schemas that the topology writes',
  usage: USAGE,
  examples: [
    'schemas register src/topology.ts --registry http://localhost:8081/apis/ccompat/v7',
    'schemas register src/topology.ts --registry http://localhost:8081 --all --json',
  ],
  options: { ...MODULE_OPTIONS, ...REGISTRY_OPTIONS, all: { type: 'boolean' }, json: { type: 'boolean' } },
  exitCodes: { 3: 'a schema is incompatible: nothing was registered' },
  async run({ values, positionals }, context, usage) {
    const [path] = exactly(positionals, ['topology module'], usage)
    const registry = requiredRegistry(values.registry, context)
    const { compiled } = await loadTopology(path, values, context)
    const schemas = (await schemasOf(compiled)).filter(({ isWritten }) => isWritten || values.all === true)
    const reports: SchemaReport[] = []
    for (const schema of schemas) reports.push(await compareSchema(registry, { ...schema, isWritten: true }))
    const paint = painter(context.isColoured === true)
    const refused = reports.filter(({ state }) => state === 'incompatible')
    if (refused.length > 0) {
      context.print(
        values.json === true ? `${toJson({ fits: false, schemas: reports })}\n` : reportText(refused, paint),
      )
      return 3
    }
    const outcomes = []
    for (const [i, schema] of schemas.entries())
      outcomes.push(await register(registry, schema, reports[i] as SchemaReport))
    context.print(
      values.json === true
        ? `${toJson({ fits: true, schemas: outcomes })}\n`
        : [
            ...outcomes.map(
              ({ subject, id, isNew }) =>
                `${(isNew ? paint('green', 'registered') : 'as it was').padEnd(11)} ${oneLine(subject)} (schema ${id})`,
            ),
            '',
            `${plural(outcomes.filter(({ isNew }) => isNew).length, 'schema')} registered.`,
            '',
          ].join('\n'),
    )
    return 0
  },
})

async function register(
  registry: Parameters<typeof registeredId>[0]['registry'],
  { subject, text }: CodeSchema,
  report: SchemaReport,
): Promise<{ readonly subject: string; readonly id: number; readonly isNew: boolean }> {
  const id = report.id ?? (await registeredId({ registry, subject, text, autoRegister: true }))
  return { subject, id, isNew: report.id === null }
}
