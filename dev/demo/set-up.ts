import { randomBytes } from 'node:crypto'
import { Admin, Producer } from '@platformatic/kafka'
import { loadUpcomingActivities, migrate, openDatabase } from '@tributary/activities-api'
import { activities, customers } from '@tributary/marketing-events'
import { createDatabase, dropDatabase } from '../stack/postgres.ts'
import type { ProcessGroup } from '../stack/process-group.ts'
import { startStack, type Stack, type StackOptions, type StackProgress } from '../stack/stack.ts'
import type { DemoData, StoredBooking } from './data/demo-data.ts'
import { publish, toMessage } from './kafka/publish.ts'
import { registerSchemas, type TopicCodecs } from './kafka/schemas.ts'
import { createTopics, deleteTopicsAndGroups, refuseExistingTopics } from './kafka/topics.ts'

/** The ground on which the services run, with everything in it that is there before the first event. */
export interface Ground {
  readonly stack: Stack
  /** The one of activities-api, with its bookings. */
  readonly databaseUrl: string
  readonly admin: Admin
  readonly producer: Producer
  readonly codecs: ReadonlyMap<string, TopicCodecs>
}

export interface SetUpOptions {
  readonly group: ProcessGroup
  readonly logDirectory: string
  readonly data: DemoData
  readonly say: (line: string) => void
  /** Default: `usual`. */
  readonly ports?: StackOptions['ports']
  /** Where servers are looked for that run already. Default: `process.env`. */
  readonly env?: NodeJS.ProcessEnv
}

/** @throws StackError, DemoError DEMO_TOPICS_EXIST */
export async function setUp({
  group,
  logDirectory,
  data,
  say,
  ports = 'usual',
  env = process.env,
}: SetUpOptions): Promise<Ground> {
  const stack = await startStack({
    group,
    ports,
    env,
    logDirectory,
    onProgress: progress => say(stackLine(progress)),
  })
  const client = { clientId: 'tributary-demo', bootstrapBrokers: [...stack.kafkaBrokers] }
  const admin = new Admin(client)
  const producer = new Producer({ ...client, idempotent: true })
  group.defer(async () => {
    await Promise.allSettled([admin.close(), producer.close()])
  })
  // One after the other, so that nothing is still being made when the demo ends because something else failed.
  const codecs = await prepareKafka({ group, stack, admin })
  await fillLookups(producer, codecs, data)
  const databaseUrl = await prepareDatabase(group, stack.databaseUrl, data.bookings)
  say(
    `${data.customers.length} customers, ${data.activities.length} activities and ${data.bookings.length} bookings are in their places`,
  )
  return { stack, databaseUrl, admin, producer, codecs }
}

async function prepareKafka({
  group,
  stack,
  admin,
}: {
  readonly group: ProcessGroup
  readonly stack: Stack
  readonly admin: Admin
}): Promise<ReadonlyMap<string, TopicCodecs>> {
  await refuseExistingTopics(admin, stack.kafkaBrokers)
  // One that was started for the demo goes with all that is in it.
  if (stack.logs.kafka === undefined) group.defer(() => deleteTopicsAndGroups(admin))
  await createTopics(admin)
  return await registerSchemas(stack.registryUrl)
}

async function fillLookups(
  producer: Producer,
  codecs: ReadonlyMap<string, TopicCodecs>,
  data: DemoData,
): Promise<void> {
  const customerCodecs = codecs.get(customers.name)!
  const activityCodecs = codecs.get(activities.name)!
  await publish(producer, [
    ...data.customers.map(value =>
      toMessage(customers.name, customerCodecs, { key: value.customerId, value }),
    ),
    ...data.activities.map(value =>
      toMessage(activities.name, activityCodecs, { key: value.activityId, value }),
    ),
  ])
}

/** A database of the demo's own, which goes again: the server may be somebody's. */
async function prepareDatabase(
  group: ProcessGroup,
  serverUrl: string,
  bookings: readonly StoredBooking[],
): Promise<string> {
  const name = `tributary_demo_${randomBytes(4).toString('hex')}`
  group.defer(() => dropDatabase(serverUrl, name))
  const databaseUrl = await createDatabase(serverUrl, name)
  const pool = openDatabase(databaseUrl)
  try {
    await migrate(pool)
    await loadUpcomingActivities(pool, bookings)
  } finally {
    await pool.end()
  }
  return databaseUrl
}

function stackLine(progress: StackProgress): string {
  if (progress.kind === 'fetching') return `fetching ${progress.part}, which takes a while the first time …`
  return `${progress.part} is ready at ${progress.address} (${progress.seconds.toFixed(1)} s)`
}
