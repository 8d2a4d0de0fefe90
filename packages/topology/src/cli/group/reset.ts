import type { KafkaClient } from '../../client/ports.ts'
import { TopologyError } from '../../errors.ts'
import { exactly } from '../arguments.ts'
import { type Command, defineCommand } from '../command.ts'
import { CONNECTION_OPTIONS, CONNECTION_USAGE, withClient } from '../connection.ts'
import { CliError } from '../context.ts'
import { toJson } from '../json.ts'
import { painter, type Paint } from '../paint.ts'
import { oneLine, plural, tableText } from '../text.ts'
import { timeOf, wholeNumber } from '../values.ts'
import { hasMembers, planReset, type ResetPlan, type ResetTarget, topicChoice } from './reset-plan.ts'

const USAGE = `Usage: tributary reset <group> <where to> <which> --brokers <host:port,…> [--execute] [options]

Moves the committed offsets of a group. As Kafka's own kafka-consumer-groups --reset-offsets, it only shows what it would
do, unless --execute is given, and it refuses a group that has members, which it names.

Where to (one of them):
  --to-earliest                 the oldest record that is still there
  --to-latest                   the end: what is there is never read
  --to-datetime <ISO time>      the first record with this timestamp or a later one, else the end
  --to-offset <number>          this offset; where it is not in the partition, the nearest end

Which:
  --topic <topic>[:<number>,…]  a topic, or some of its partitions; may be repeated
  --all-topics                  all topics that the group has committed

  --execute                     does it
  --dry-run                     shows it; the default
  --json                        one JSON object

Repartition topics are among the topics of a group: read again they repeat what their records led to, which a reset of the
sources repeats by itself. The memory of a deliver step is not reset: what it knows to be delivered is not delivered again.

${CONNECTION_USAGE}`

const TARGETS = ['to-earliest', 'to-latest', 'to-datetime', 'to-offset'] as const

interface TargetValues {
  readonly 'to-earliest'?: boolean
  readonly 'to-latest'?: boolean
  readonly 'to-datetime'?: string
  readonly 'to-offset'?: string
}

/** `tributary reset`. */
export const RESET: Command = defineCommand({
  name: 'reset',
  summary: 'moves the committed offsets of a group that is stopped',
  usage: USAGE,
  examples: [
    'reset marketing-events --to-earliest --all-topics --brokers localhost:9092',
    'reset marketing-events --to-datetime 2026-01-31T12:00:00Z --topic customer-events:0,3 --brokers localhost:9092 --execute',
  ],
  options: {
    ...CONNECTION_OPTIONS,
    'to-earliest': { type: 'boolean' },
    'to-latest': { type: 'boolean' },
    'to-datetime': { type: 'string' },
    'to-offset': { type: 'string' },
    topic: { type: 'string', multiple: true },
    'all-topics': { type: 'boolean' },
    execute: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    json: { type: 'boolean' },
  },
  exitCodes: { 1: 'failed, or the group has members' },
  async run({ values, positionals }, context, usage) {
    const [group] = exactly(positionals, ['group'], usage)
    const target = targetIn(values, usage)
    if ((values['all-topics'] === true) === (values.topic !== undefined))
      throw new CliError(`Either --topic or --all-topics is needed.\n\n${usage}`, 2)
    if (values.execute === true && values['dry-run'] === true)
      throw new CliError('--execute and --dry-run contradict each other.', 2)
    const topics = values.topic?.map(topicChoice)
    return await withClient(values, context, async kafka => {
      const plan = await planReset(kafka, { group, target, topics })
      const isExecuted = values.execute === true
      if (isExecuted) await execute(kafka, plan)
      context.print(
        values.json === true
          ? `${toJson({ ...plan, isExecuted })}\n`
          : render(plan, isExecuted, painter(context.isColoured === true)),
      )
      return 0
    })
  },
})

function targetIn(values: TargetValues, usage: string): ResetTarget {
  const given = TARGETS.filter(name => values[name] !== undefined)
  if (given.length !== 1)
    throw new CliError(
      `${given.length === 0 ? 'Where to is missing' : `${given.map(name => `--${name}`).join(' and ')} contradict each other`}: one of ${TARGETS.map(name => `--${name}`).join(', ')} is needed.\n\n${usage}`,
      2,
    )
  const { 'to-datetime': time, 'to-offset': offset } = values
  if (time !== undefined) return { timestampMs: timeOf('--to-datetime', time) }
  if (offset !== undefined) return { offset: wholeNumber('--to-offset', offset) }
  return values['to-earliest'] === true ? 'earliest' : 'latest'
}

async function execute(kafka: KafkaClient, { group, partitions }: ResetPlan): Promise<void> {
  const offsets = partitions.map(({ topic, partition, after: offset }) => ({ topic, partition, offset }))
  try {
    await kafka.groups.commit(group, offsets)
  } catch (error) {
    if (!TopologyError.is(error) || error.code !== 'TOPOLOGY_MEMBER_FENCED') throw error
    // It has got a member since it was looked at.
    const members = (await kafka.groups.describe(group))?.members ?? []
    throw new CliError(hasMembers(group, members), 1, error)
  }
}

function render({ group, partitions }: ResetPlan, isExecuted: boolean, paint: Paint): string {
  const rows = partitions.map(({ topic, partition, before, after, again, isBounded }) => [
    `${oneLine(topic)}-${partition}`,
    before === null ? '-' : String(before),
    String(after),
    effectText(again, paint) + (isBounded ? ' (the asked-for offset is not there)' : ''),
  ])
  const moved = partitions.filter(({ before, after }) => before !== after).length
  return [
    ...tableText(['partition', 'committed', isExecuted ? 'now' : 'would be', 'effect'], rows, [1, 2]),
    '',
    isExecuted
      ? `${group}: ${plural(partitions.length, 'partition')} set, ${moved.toLocaleString('en')} of them moved.`
      : `${group}: nothing was changed; --execute would move ${moved.toLocaleString('en')} of ${plural(partitions.length, 'partition')}.`,
    '',
  ].join('\n')
}

function effectText(again: number | null, paint: Paint): string {
  if (again === null) return 'begins there'
  if (again === 0) return 'stays'
  return again > 0
    ? `${plural(again, 'offset')} read again`
    : paint('yellow', `${plural(-again, 'offset')} skipped`)
}
