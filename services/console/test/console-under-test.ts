import type { TestContext } from 'node:test'
import { createServer } from '@tributary/service'
import { createApp, streamTopic, string, tableTopic, topology } from '@tributary/topology'
import type { FastifyInstance } from 'fastify'
import { createFakeClient, type FakeClient } from '../../../packages/topology/src/testing/fake-client.ts'
import { until } from '../../../test-support/until.ts'
import type { WatchedInstance } from '../src/config.ts'
import { createConsole, type ConsoleOptions } from '../src/server.ts'
import type { Snapshot } from '../src/snapshot.ts'

export const TOKEN = 'a-token-for-the-tests'
export const CONFIG: ConsoleOptions['config'] = {
  token: TOKEN,
  instances: [],
  lagWarningMs: 10_000,
  isReplayAllowed: false,
  deadLetterTopics: undefined,
  kafkaBrokers: ['127.0.0.1:1'],
  schemaRegistryUrl: 'http://127.0.0.1:1',
}
export const BEARER = { authorization: `Bearer ${TOKEN}` } as const
export const PAGE: ConsoleOptions['pages'][number] = {
  path: '/index.html',
  type: 'text/html; charset=utf-8',
  bytes: Buffer.from('<!doctype html>'),
}

/** A console that listens nowhere, unless it is told to. */
export function consoleUnderTest(t: TestContext, options: Partial<ConsoleOptions> = {}): FastifyInstance {
  const server = createConsole({
    config: CONFIG,
    pages: [PAGE],
    ...options,
  })
  t.after(() => server.close())
  return server
}

const text = { key: string(), value: string() }
const WORDS = streamTopic('words', text)

export interface RunningService {
  readonly instance: WatchedInstance
  readonly kafka: FakeClient
  /** It stops answering. */
  stop(): Promise<void>
}

/** A service as it is, on a Kafka in memory: greets each word with its name, and cannot bear the word `bad`. */
export async function runningService(t: TestContext, name = 'greeter-1'): Promise<RunningService> {
  const kafka = createFakeClient({
    topics: ['words', 'shouts', 'names'].map(topic => ({
      name: topic,
      partitions: 2,
      cleanupPolicy: 'compact,delete',
    })),
  })
  const builder = topology('greeter')
  const names = builder.globalTable(tableTopic('names', text))
  builder
    .stream(WORDS)
    .join(names, {
      key: word => word,
      missing: 'drop',
      joiner: (word, row) => {
        if (word === 'bad') throw new Error('that word')
        return `${word} ${row}`
      },
    })
    .to(streamTopic('shouts', text))
  kafka.put('names', { key: 'hello', value: 'Ada' })
  kafka.put('names', { key: 'bad', value: 'Bob' })
  const app = createApp(builder.build(), { kafka, shutdownTimeoutMs: 1_000 })
  const server = createServer({ name: 'greeter', app })
  const url = await server.listen({ host: '127.0.0.1', port: 0 })
  const stop = async (): Promise<void> => {
    await server.close()
    await app.close()
  }
  t.after(stop)
  await app.start()
  await until('the service is ready', () => app.readiness().isReady)
  return { instance: { name, url }, kafka, stop }
}

/** The first snapshot in which something holds. */
export async function snapshotWhen(
  server: FastifyInstance,
  description: string,
  holds: (snapshot: Snapshot) => boolean,
): Promise<Snapshot> {
  let latest: Snapshot | undefined
  await until(
    description,
    async () => {
      latest = (
        await server.inject({ method: 'GET', url: '/api/snapshot', headers: BEARER })
      ).json<Snapshot>()
      return holds(latest)
    },
    { everyMs: 50 },
  )
  return latest as Snapshot
}
