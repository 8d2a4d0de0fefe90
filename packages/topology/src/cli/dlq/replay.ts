import type { KafkaClient } from '../../client/ports.ts'
import { TopologyError } from '../../errors.ts'
import { type CliContext, CliError } from '../context.ts'
import { exactly, type Parsed } from '../arguments.ts'
import { type Command, defineCommand } from '../command.ts'
import { CONNECTION_OPTIONS, CONNECTION_USAGE, withClient, type ConnectionValues } from '../connection.ts'
import { placeOf, rangesOf, type PartitionRange } from '../read-topic.ts'
import { claimTopic } from './replay-claim.ts'
import { indexTopic, orderForReplay, Targets, type ReplayOrder, type TopicIndex } from './replay-plan.ts'
import { play } from './replay-player.ts'
import { PartitionProgress, type Progress } from './replay-progress.ts'
import { wholeNumber } from '../values.ts'
import { SELECTION_OPTIONS, SELECTION_USAGE, selectionOf, type Selection } from './selection.ts'
import { oneLine, plural } from '../text.ts'

const USAGE = `Usage: tributary dlq replay <dead-letter topic> --brokers <host:port,…> [options]

Plays dead letters back: each record as it was (key, value, headers, timestamp), to the partition that it came from, each
source partition in the order of its offsets. It first says what it will do, then asks; where nobody can be asked it does
nothing without --yes. What the topic holds at the start is played; what comes later is not.

Each letter is played once. Records and progress go into the same transaction, the progress as committed offsets of the
consumer group tributary-dlq-replay-<dead-letter topic>[-<--to topic>]. So a second replay plays only what is new or was
not chosen before, and one that was interrupted (Ctrl-C: after the chunk that is under way) goes on where it stopped.
Kafka forgets the offsets of a group that nobody uses, by default after seven days (offsets.retention.minutes).

  --to <topic>                  there instead of the topics that the records came from; their keys decide the partition
  --rate <number>               records per second, at most; default: as fast as it goes
  --again                       also what has been played already
  --dry-run                     says what it would do, and ends
  --yes                         does not ask
  --json                        the plan and the outcome as one JSON object each, a line each

${SELECTION_USAGE}
${CONNECTION_USAGE}`

const OPTIONS = {
  ...CONNECTION_OPTIONS,
  ...SELECTION_OPTIONS,
  to: { type: 'string' },
  rate: { type: 'string' },
  again: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  yes: { type: 'boolean' },
  json: { type: 'boolean' },
} as const

interface Request {
  readonly topic: string
  readonly groupId: string
  readonly to: string | undefined
  readonly rate: number | undefined
  readonly isSelected: Selection
  readonly isAgain: boolean
  readonly isDryRun: boolean
  readonly isConfirmed: boolean
  readonly isJson: boolean
  readonly connection: ConnectionValues
}

/** `tributary dlq replay`. */
export const REPLAY: Command = defineCommand({
  name: 'dlq replay',
  summary: 'plays them back, to the topics that they came from or to another one',
  usage: USAGE,
  examples: [
    'dlq replay orders-dead-letters --brokers localhost:9092 --dry-run',
    'dlq replay orders-dead-letters --brokers localhost:9092 --code TOPOLOGY_PROCESSING_FAILED --rate 100 --yes',
  ],
  options: OPTIONS,
  exitCodes: { 1: 'failed, or not everything could be played' },
  async run(call, context, usage) {
    const request = requestOf(call, usage)
    return await withClient(request.connection, context, kafka => new Replay(kafka, request, context).run())
  },
})

function requestOf({ values, positionals }: Parsed<typeof OPTIONS>, usage: string): Request {
  const [topic] = exactly(positionals, ['dead-letter topic'], usage)
  const { to } = values
  if (to === topic) throw new CliError('--to is the dead-letter topic itself.', 2)
  return {
    topic,
    groupId: `tributary-dlq-replay-${topic}${to === undefined ? '' : `-${to}`}`,
    to,
    rate: values.rate === undefined ? undefined : wholeNumber('--rate', values.rate, 1),
    isSelected: selectionOf(values),
    isAgain: values.again === true,
    isDryRun: values['dry-run'] === true,
    isConfirmed: values.yes === true,
    isJson: values.json === true,
    connection: values,
  }
}

/** The group or the brokers have given this replay's place to another. */
const FENCED: ReadonlySet<string> = new Set(['TOPOLOGY_MEMBER_FENCED', 'TOPOLOGY_PRODUCER_FENCED'])

interface Plan {
  readonly order: ReplayOrder
  readonly targets: Targets
  readonly index: TopicIndex
  readonly ranges: readonly PartitionRange[]
  /** As the group had it when the plan was made. */
  readonly stored: readonly (Progress | undefined)[]
  readonly progress: ReadonlyMap<number, PartitionProgress>
}

class Replay {
  readonly #kafka: KafkaClient
  readonly #request: Request
  readonly #context: CliContext

  constructor(kafka: KafkaClient, request: Request, context: CliContext) {
    this.#kafka = kafka
    this.#request = request
    this.#context = context
  }

  async run(): Promise<number> {
    const plan = await this.#plan()
    this.#announce(plan)
    if (plan.order.ordered.length === 0 || this.#request.isDryRun) return 0
    if (!(await this.#isConfirmed())) {
      if (!this.#request.isJson) this.#context.print('Nothing was played.\n')
      return this.#context.signal?.aborted === true ? 130 : 1
    }
    return await this.#play(plan)
  }

  async #plan(): Promise<Plan> {
    const { topic, to, isSelected, isAgain } = this.#request
    const { signal } = this.#context
    const ranges = await rangesOf(this.#kafka, topic)
    const index = await indexTopic(this.#kafka, { topic, ranges, isSelected, signal })
    const stored = await this.#stored(ranges)
    const progress = new Map(
      ranges.map(({ partition, to: end }) => [
        partition,
        new PartitionProgress(index.letters.get(partition) ?? [], end, this.#readable(stored[partition])),
      ]),
    )
    const homeless = to === undefined ? index.selected.filter(({ source }) => source === undefined) : []
    const letters =
      to === undefined ? index.selected.filter(({ source }) => source !== undefined) : index.selected
    if (homeless.length > 0)
      this.#context.complain(
        `${plural(homeless.length, 'record')} of ${topic} do not say where they came from; only --to plays them.\n`,
      )
    const order = orderForReplay(letters, ({ partition, offset }) =>
      isAgain ? false : (progress.get(partition)?.isPlayed(offset) ?? false),
    )
    const targets = await Targets.open(this.#kafka, to, order.ordered)
    if (targets.topics.includes(topic))
      throw new CliError(`${topic} holds dead letters of its own records; --to says where they go.`, 1)
    return { order, targets, index, ranges, stored, progress }
  }

  #announce({ order, targets, index, ranges }: Plan): void {
    const { topic, rate, groupId } = this.#request
    const { ordered, repeated } = order
    const total = [...index.letters.values()].reduce((sum, { length }) => sum + length, 0)
    const earlier = index.selected.length - ordered.length - repeated.length
    if (this.#request.isJson) {
      const plan = { topic, letters: total, chosen: index.selected.length, playedBefore: earlier }
      const rest = { repeated: repeated.length, toPlay: ordered.length, to: targets.topics, group: groupId }
      this.#context.print(`${JSON.stringify({ plan: { ...plan, ...rest } })}\n`)
      return
    }
    const codes = [...index.codes].map(([code, count]) => `${oneLine(code)} ${count}`).join(', ')
    const lines = [
      `${topic}: ${plural(total, 'dead letter')} in ${plural(ranges.length, 'partition')}`,
      `  chosen            ${plural(index.selected.length, 'letter')}${codes === '' ? '' : ` (${codes})`}`,
      ...(earlier > 0
        ? [`  played before     ${earlier.toLocaleString('en')} (or without a topic to go to)`]
        : []),
      ...(repeated.length > 0
        ? [`  repeated          ${repeated.length.toLocaleString('en')}, of records that are played once`]
        : []),
      `  to play           ${plural(ordered.length, 'record')}${targets.topics.length === 0 ? '' : ` to ${targets.topics.join(', ')}`}${rate === undefined ? '' : `, ${rate} per second`}`,
      `  progress          group ${groupId}`,
    ]
    this.#context.print(`${lines.join('\n')}\n`)
  }

  async #isConfirmed(): Promise<boolean> {
    if (this.#request.isConfirmed) return true
    const { ask } = this.#context
    if (ask === undefined)
      throw new CliError('Nobody can be asked here: --yes plays them, --dry-run only says what would be.', 2)
    try {
      return /^y(es)?$/i.test((await ask('Play them? [y/N] ')).trim())
    } catch (error) {
      if (this.#context.signal?.aborted === true) return false
      throw error
    }
  }

  async #play(plan: Plan): Promise<number> {
    const { topic, groupId, rate } = this.#request
    const { signal, clock } = this.#context
    const claim = await claimTopic(this.#kafka, {
      groupId,
      topic,
      partitions: plan.ranges.length,
      clock,
      signal,
      onWait: () => this.#context.complain(`Waiting for the group ${groupId} to give up the topic…\n`),
    })
    try {
      if (JSON.stringify(await this.#stored(plan.ranges)) !== JSON.stringify(plan.stored))
        throw new CliError('Another replay has played meanwhile: have a look, and start again.', 1)
      const outcome = await play(plan.order, {
        kafka: this.#kafka,
        topic,
        groupId,
        claim,
        targets: plan.targets,
        progress: plan.progress,
        rate,
        clock,
        signal,
      })
      return this.#conclude(outcome, plan.order.ordered.length)
    } catch (error) {
      const isFenced = TopologyError.is(error) && FENCED.has(error.code)
      throw isFenced ? new CliError(`Another replay of ${topic} has begun: this one stops.`, 1, error) : error
    } finally {
      await claim.leave()
    }
  }

  #conclude(
    { played, unplayable, isInterrupted }: Awaited<ReturnType<typeof play>>,
    planned: number,
  ): number {
    const { topic, isJson } = this.#request
    this.#context.print(
      isJson
        ? `${JSON.stringify({ played, planned, unplayable: unplayable.map(letter => placeOf(topic, letter)), isInterrupted })}\n`
        : `${plural(played, 'record')} of ${planned.toLocaleString('en')} played.\n`,
    )
    for (const letter of unplayable)
      this.#context.complain(
        `${placeOf(topic, letter)} cannot be played: it holds no value, and its original is gone.\n`,
      )
    if (isInterrupted) {
      this.#context.complain('Interrupted: the next replay goes on from here.\n')
      return 130
    }
    return unplayable.length > 0 ? 1 : 0
  }

  /** What `--again` cannot read it need not know. */
  #readable(stored: Progress | undefined): Progress | undefined {
    if (stored === undefined || !this.#request.isAgain) return stored
    try {
      new PartitionProgress([], 0, stored)
      return stored
    } catch {
      return undefined
    }
  }

  async #stored(ranges: readonly PartitionRange[]): Promise<readonly (Progress | undefined)[]> {
    const { topic, groupId } = this.#request
    const member = this.#kafka.createGroupMember({ groupId, topics: [topic] })
    const committed = await member.committedOffsets(ranges.map(({ partition }) => ({ topic, partition })))
    return committed.map(found => found && { offset: found.offset, metadata: found.metadata ?? '' })
  }
}
