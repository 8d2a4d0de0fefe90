import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { TopologyDescription } from '../../plan/describe.ts'
import { exactly } from '../arguments.ts'
import { type Command, defineCommand } from '../command.ts'
import { type CliContext, CliError } from '../context.ts'
import { toJson } from '../json.ts'
import { type Colour, painter } from '../paint.ts'
import { plural } from '../text.ts'
import { loadTopology, MODULE_OPTIONS, MODULE_USAGE, type ModuleValues } from '../topology-module.ts'
import { type Change, compareTopologies } from './compare.ts'
import { JUDGEMENTS, type Verdict, worstOf } from './judgements.ts'

const USAGE = `Usage: tributary describe diff <old> <new> [options]

What a change of a topology does to the state of a running application: its committed offsets, internal repartition topics
and memories. Old and new are files with what tributary describe --json printed, or topology modules. For each change:

  safe                          old and new processes may run side by side
  reset-or-drain                something has to be done before the new version starts; it is said what
  incompatible                  what is stored cannot be used any more, or the start would be refused

The exit code is that of the worst one. What functions do is code, which is not compared; whether a schema fits is said by
tributary schemas check.

  --json                        one JSON object

${MODULE_USAGE}`

const EXIT_CODE: Readonly<Record<Verdict, number>> = { safe: 0, 'reset-or-drain': 3, incompatible: 4 }
const COLOUR: Readonly<Record<Verdict, Colour>> = {
  safe: 'green',
  'reset-or-drain': 'yellow',
  incompatible: 'red',
}

/** `tributary describe diff`. */
export const DIFF: Command = defineCommand({
  name: 'describe diff',
  summary: 'which change of a topology is safe for running state',
  usage: USAGE,
  examples: [
    'describe diff topology.json src/topology.ts',
    'describe diff released.json candidate.json --json',
  ],
  options: { ...MODULE_OPTIONS, json: { type: 'boolean' } },
  exitCodes: { 0: 'nothing differs, or all of it is safe', 3: 'needs a reset or a drain', 4: 'incompatible' },
  async run({ values, positionals }, context, usage) {
    const [oldPath, newPath] = exactly(positionals, ['old description', 'new description'], usage)
    const before = await descriptionAt(oldPath, values, context)
    const after = await descriptionAt(newPath, values, context)
    const changes = compareTopologies(before, after)
    const verdict = worstOf(changes.map(change => change.verdict))
    context.print(
      values.json === true
        ? `${toJson({ verdict, changes: changes.map(change => ({ ...change, meaning: JUDGEMENTS[change.kind].meaning })) })}\n`
        : render(changes, verdict, context),
    )
    return EXIT_CODE[verdict]
  },
})

async function descriptionAt(
  path: string,
  values: ModuleValues,
  context: CliContext,
): Promise<TopologyDescription> {
  if (!path.endsWith('.json')) return (await loadTopology(path, values, context)).toJSON()
  let json: unknown
  try {
    json = JSON.parse(readFileSync(resolve(context.workingDirectory, path), 'utf8'))
  } catch (error) {
    throw new CliError(`${path} cannot be read: ${(error as Error).message}`, 1, error)
  }
  if (isDescription(json)) return json
  throw new CliError(
    `${path} is no topology: a file is needed that tributary describe --json has written.`,
    1,
  )
}

function isDescription(json: unknown): json is TopologyDescription {
  if (typeof json !== 'object' || json === null) return false
  const { name, subTopologies, globalTables } = json as Readonly<Record<string, unknown>>
  return (
    typeof name === 'string' &&
    Array.isArray(globalTables) &&
    Array.isArray(subTopologies) &&
    subTopologies.every(
      part => Array.isArray(part?.sources) && Array.isArray(part?.tables) && Array.isArray(part?.steps),
    )
  )
}

function render(changes: readonly Change[], verdict: Verdict, context: CliContext): string {
  if (changes.length === 0) return 'Nothing differs.\n'
  const paint = painter(context.isColoured === true)
  const order: readonly Verdict[] = ['incompatible', 'reset-or-drain', 'safe']
  const sorted = changes.toSorted((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict))
  const lines = sorted.flatMap(change => [
    `${paint(COLOUR[change.verdict], change.verdict.padEnd(15))} ${change.kind} ${paint('bold', change.where)}${difference(change)}`,
    paint('dim', `                ${JUDGEMENTS[change.kind].meaning}`),
  ])
  return `${lines.join('\n')}\n\n${plural(changes.length, 'change')}: ${paint(COLOUR[verdict], verdict)}\n`
}

function difference({ kind, before, after }: Change): string {
  if (kind === 'steps-changed') {
    const names = (steps: unknown): string => (steps as { name: string }[]).map(({ name }) => name).join(', ')
    return `: ${names(before) || 'none'} → ${names(after) || 'none'}`
  }
  const text = (value: unknown): string => (typeof value === 'string' ? value : toJson(value))
  if (before === null) return `: ${text(after)}`
  return after === null ? '' : `: ${text(before)} → ${text(after)}`
}
