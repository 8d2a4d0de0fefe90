import { systemClock } from '../../clock.ts'
import { exactly } from '../arguments.ts'
import { type Command, defineCommand } from '../command.ts'
import { CONNECTION_OPTIONS, CONNECTION_USAGE, withClient } from '../connection.ts'
import { CliError } from '../context.ts'
import { toJson } from '../json.ts'
import { painter, type Paint } from '../paint.ts'
import { durationText, oneLine, plural, tableText } from '../text.ts'
import { wholeNumber } from '../values.ts'
import { type LagReport, measureLag, type Owner } from './measure-lag.ts'

const USAGE = `Usage: tributary lag <group> --brokers <host:port,…> [options]

How far a consumer group is behind: per partition the committed offset, the end of the partition, the records between them,
and the age of the first of those by its own timestamp; and the member that has the partition. Groups of both protocols,
running or not; the group of a topology is named after it.

  --topic <topic>               only this topic; may be repeated
  --max-records <number>        ends with exit code 3 when a partition is further behind,
  --max-seconds <number>        and so with this many seconds
  --json                        one JSON object

${CONNECTION_USAGE}`

/** `tributary lag`. */
export const LAG: Command = defineCommand({
  name: 'lag',
  summary: 'how far a consumer group is behind, and who has which partition',
  usage: USAGE,
  examples: [
    'lag marketing-events --brokers localhost:9092',
    'lag marketing-events --brokers localhost:9092 --topic customer-events --max-seconds 60 --json',
  ],
  options: {
    ...CONNECTION_OPTIONS,
    topic: { type: 'string', multiple: true },
    'max-records': { type: 'string' },
    'max-seconds': { type: 'string' },
    json: { type: 'boolean' },
  },
  exitCodes: { 3: 'behind by more than --max-records or --max-seconds' },
  async run({ values, positionals }, context, usage) {
    const [group] = exactly(positionals, ['group'], usage)
    const bound = (option: 'max-records' | 'max-seconds'): number => {
      const text = values[option]
      return text === undefined ? Number.POSITIVE_INFINITY : wholeNumber(`--${option}`, text)
    }
    const bounds = { records: bound('max-records'), ms: bound('max-seconds') * 1_000 }
    const report = await withClient(values, context, kafka =>
      measureLag(kafka, {
        group,
        topics: values.topic ?? [],
        clock: context.clock ?? systemClock,
        signal: context.signal,
      }),
    )
    if (report === undefined) throw new CliError(`There is no group ${group}.`, 1)
    context.print(
      values.json === true ? `${toJson(report)}\n` : render(report, painter(context.isColoured === true)),
    )
    const isBehind = report.partitions.some(
      ({ lag, lagMs }) => (lag ?? 0) > bounds.records || (lagMs ?? 0) > bounds.ms,
    )
    return isBehind ? 3 : 0
  },
})

function render({ group, state, protocol, members, partitions, total }: LagReport, paint: Paint): string {
  const rows = partitions.map(({ topic, partition, committed, end, lag, lagMs, owner }) => [
    `${oneLine(topic)}-${partition}`,
    committed === null ? '-' : String(committed),
    String(end),
    lag === null ? '-' : lag.toLocaleString('en'),
    lag === null || lagMs === null ? '-' : durationText(lagMs),
    owner === null ? paint('yellow', '(nobody)') : ownerText(owner),
  ])
  const counted = [
    `${plural(total.lag, 'record')} behind, ${durationText(total.lagMs)} at the most`,
    ...(total.withoutCommit > 0 ? [`${plural(total.withoutCommit, 'partition')} without a commit`] : []),
    ...(total.withoutOwner > 0 ? [`${plural(total.withoutOwner, 'partition')} without an owner`] : []),
  ]
  return [
    `${paint('bold', group)}: ${state}, ${plural(members, 'member')}${protocol === null ? '' : ` (${protocol} protocol)`}`,
    '',
    ...tableText(['partition', 'committed', 'end', 'records', 'behind', 'owner'], rows, [1, 2, 3, 4]),
    '',
    `${plural(total.partitions, 'partition')}: ${counted.join(', ')}`,
    '',
  ].join('\n')
}

export function ownerText({ memberId, instanceId, clientId, host }: Owner): string {
  return oneLine(`${instanceId ?? memberId} (${clientId} at ${host.replace(/^\//, '')})`)
}
