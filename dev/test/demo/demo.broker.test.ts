import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Snapshot } from '@tributary/console'
import { Admin } from '@platformatic/kafka'
import { createKafkaClient } from '@tributary/topology'
import { Client } from 'pg'
import { skip as noChromium } from '../../../services/console/test/browser.ts'
import { generateDemoData } from '../../demo/data/demo-data.ts'
import { isPortFree } from '../../stack/ports.ts'
import { until } from '../scratch.ts'
import { consoleShowsWhatKafkaHolds } from './console-shows.ts'

const entry = join(import.meta.dirname, '../../demo/main.ts')

interface RunningDemo {
  readonly stdout: () => string
  readonly stderr: () => string
  readonly ended: Promise<number | null>
  interrupt(): void
}

function startDemo(t: TestContext, ...args: readonly string[]): RunningDemo {
  const child = spawn(process.execPath, ['-C', '@tributary/source', entry, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', text => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', text => (stderr += text))
  const ended = new Promise<number | null>(resolve => child.once('close', code => resolve(code)))
  t.after(() => {
    child.kill('SIGINT')
    return ended
  })
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    interrupt: () => child.kill('SIGINT'),
  }
}

/** Databases of demos, and the topics and groups that they use. */
async function leftBehind(): Promise<readonly string[]> {
  const database = new Client({ connectionString: process.env['DATABASE_URL'] })
  await database.connect()
  const { rows } = await database.query<{ datname: string }>(
    "select datname from pg_database where datname like 'tributary_demo_%'",
  )
  await database.end()
  const admin = new Admin({
    clientId: 'demo-test',
    bootstrapBrokers: process.env['KAFKA_BROKERS']!.split(','),
  })
  try {
    const names = [
      ...rows.map(({ datname }) => datname),
      ...(await admin.listTopics()),
      ...(await admin.listGroups({ types: ['classic', 'consumer'] })).keys(),
    ]
    return names.filter(name =>
      /^(tributary_demo_.*|customer-events|customers|activities|(marketing-events|braze-sink)(-dead-letters|-memory)?)$/.test(
        name,
      ),
    )
  } finally {
    await admin.close()
  }
}

async function describeTopics(...names: readonly string[]) {
  const client = createKafkaClient({
    brokers: process.env['KAFKA_BROKERS']!.split(','),
    clientId: 'demo-test',
  })
  try {
    return await client.admin.describeTopics(names)
  } finally {
    await client.close()
  }
}

/** What new versions of a subject are checked for. */
async function compatibilityOf(subject: string): Promise<unknown> {
  const answer = await fetch(`${process.env['SCHEMA_REGISTRY_URL']}/config/${subject}`)
  return ((await answer.json()) as { readonly compatibilityLevel?: unknown }).compatibilityLevel
}

test(
  'several processes of each service deliver exactly what the inputs give, and malformed records go to the dead letters',
  { timeout: 90_000 },
  async t => {
    const instances = 'marketing-events=2,braze-sink=3'
    const demo = startDemo(t, '--events', '600', '--malformed', '8', '--instances', instances, '--json')
    assert.equal(await demo.ended, 0, demo.stderr())

    const { brazeRequests, meanBatchFill, seconds, marketingEvents, ...figures } = JSON.parse(demo.stdout())
    assert.deepEqual(figures, {
      domainEvents: 600,
      brazeEvents: marketingEvents,
      deadLetters: 8,
      missing: 0,
      duplicates: 0,
      outOfOrder: 0,
      wrongProperties: 0,
      lagAtEnd: 0,
    })
    // About four out of five customers opted in.
    assert.ok(marketingEvents > 400 && marketingEvents < 560, String(marketingEvents))
    assert.ok(brazeRequests > 0 && meanBatchFill > 1 && seconds > 0, demo.stdout())
    assert.equal(demo.stdout().trimEnd().split('\n').length, 1)
    assert.match(demo.stderr(), /partitions of marketing-events │ 3 \+ 3 /)
    assert.match(demo.stderr(), /partitions of braze-sink +│ 2 \+ 2 \+ 2 /)
    assert.deepEqual(await leftBehind(), [])
  },
)

const EVENTS = 120

test(
  'a demo that is kept stays up until Ctrl-C, and then stops all that it has started',
  { timeout: 180_000 },
  async t => {
    const demo = startDemo(
      t,
      '--events',
      String(EVENTS),
      '--malformed',
      '4',
      '--instances',
      'braze-sink=2',
      '--keep',
    )
    await Promise.race([
      demo.ended.then(code =>
        assert.fail(`It ended with exit code ${code}: ${demo.stdout()}${demo.stderr()}`),
      ),
      until(() => demo.stdout().includes('Staying up until Ctrl-C:')),
    ])
    const urls = await until(() => {
      const found = demo
        .stdout()
        .split('Staying up')[1]!
        .matchAll(/^ {2}(\S+) +(http\S+)$/gm)
      const byName = new Map(Array.from(found, match => [match[1]!, match[2]!]))
      return byName.size === 6 && byName
    })
    assert.deepEqual([...urls.keys()].toSorted(), [
      'activities-api',
      'braze-simulator',
      'braze-sink-1',
      'braze-sink-2',
      'console',
      'marketing-events',
    ])
    for (const url of urls.values()) assert.equal((await fetch(`${url}/health/ready`)).status, 200)

    // The console shows what is in Kafka, to who has the token that is in its address.
    const token = await until(() => /#token=(\S+)/.exec(demo.stdout())?.[1])
    const read = async (): Promise<number> => {
      const answer = await fetch(`${urls.get('console')}/api/snapshot`, {
        headers: { authorization: `Bearer ${token}` },
      })
      const { instances } = (await answer.json()) as Snapshot
      const partitions = instances.flatMap(instance => instance.partitions)
      return partitions
        .filter(({ topic }) => topic === 'customer-events')
        .reduce((sum, { committed = 0 }) => sum + committed, 0)
    }
    await until(async () => (await read()) === EVENTS + 4)

    await t.test('the console shows in Chromium what Kafka holds', { skip: noChromium }, async sub => {
      await consoleShowsWhatKafkaHolds(sub, {
        address: `${urls.get('console')}/#token=${token}`,
        simulator: urls.get('braze-simulator')!,
        customer: generateDemoData({ seed: 1, events: EVENTS }).customers[7]!,
        streams: ['marketing-events'],
        sinks: ['braze-sink-1', 'braze-sink-2'],
      })
    })

    const topics = ['customer-events', 'marketing-events', 'customers', 'activities']
    assert.deepEqual(
      await describeTopics(...topics),
      topics.map((name, index) => ({
        name,
        partitions: 6,
        cleanupPolicy: index < 2 ? 'delete' : 'compact',
      })),
    )
    for (const subject of [
      'customers-value',
      'activities-value',
      'customer-events-com.marketplace.customer.ActivityWishlisted',
      'marketing-events-com.marketplace.marketing.BookingCompleted',
    ]) {
      assert.equal(await compatibilityOf(subject), 'BACKWARD', subject)
    }

    const another = startDemo(t, '--events', '20')
    assert.equal(await another.ended, 1)
    assert.match(
      another.stderr(),
      /^The Kafka at \S+ has the topics customer-events, .* already, .*KAFKA_BROKERS/,
    )

    demo.interrupt()
    assert.equal(await demo.ended, 130)
    for (const url of urls.values()) assert.equal(await isPortFree(Number(new URL(url).port)), true, url)
    assert.deepEqual(await leftBehind(), [])
  },
)
