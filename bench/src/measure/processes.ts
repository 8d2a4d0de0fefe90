import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ManagedProcess } from '../../../dev/stack/managed-process.ts'
import type { Contestant, ProgramCommand } from '../contestants/contestant.ts'
import type { Ground } from '../ground.ts'
import type { InputTopics } from '../job/publish.ts'
import type { Variant } from '../job/variant.ts'

/** A contestant's turn. */
export interface Turn {
  readonly contestant: Contestant
  readonly command: ProgramCommand
  /** Of its consumer group or application, its logs and what it keeps on disk. */
  readonly name: string
  readonly inputs: InputTopics
  readonly output: string
  readonly eventSchemaId: number
  readonly variant: Variant
  /** Empty where nobody asks it. */
  readonly apiUrl: string
}

/** They run when this resolves; ready or not. */
export async function startProcesses(ground: Ground, turn: Turn): Promise<readonly ManagedProcess[]> {
  const { contestant, command, name, inputs, variant } = turn
  const indices = Array.from({ length: contestant.processes }, (_, index) => index)
  return await Promise.all(
    indices.map(async index => {
      const stateDirectory = join(ground.dataDirectory, name, String(index))
      await mkdir(stateDirectory, { recursive: true })
      return await ground.group.launch({
        name: contestant.name,
        command: command.command,
        args: command.args,
        logFile: join(ground.logDirectory, `${name}-${index}.log`),
        env: {
          BENCH_BROKER: ground.broker,
          BENCH_REGISTRY: ground.registryUrl,
          BENCH_BOOKINGS: inputs.bookings,
          BENCH_CUSTOMERS: inputs.customers,
          BENCH_ACTIVITIES: inputs.activities,
          BENCH_EXTRA_TABLES: inputs.extraTables.join(','),
          BENCH_EXTRA_STEPS: String(variant.extraSteps),
          BENCH_OUTPUT: turn.output,
          BENCH_GROUP: name,
          BENCH_STATE_DIRECTORY: stateDirectory,
          BENCH_GUARANTEE: contestant.guarantee,
          BENCH_STEPS: variant.steps,
          BENCH_API: turn.apiUrl,
          BENCH_EVENT_SCHEMA_ID: String(turn.eventSchemaId),
          // Of the harness; a contestant is a process like any other.
          NODE_OPTIONS: undefined,
          ...command.env,
        },
      })
    }),
  )
}

/** What a contestant has written and made for itself: hundreds of megabytes a run. */
export async function dropTopics(ground: Ground, name: string): Promise<void> {
  const topics = (await ground.admin.listTopics()).filter(topic => topic.startsWith(`${name}-`))
  await ground.admin.deleteTopics({ topics })
}
