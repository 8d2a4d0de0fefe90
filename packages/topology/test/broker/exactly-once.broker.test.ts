import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { KafkaClient } from '@tributary/topology'
import { dumpTopic, type TopicReader } from '../../../../dev/chaos/topic-dump.ts'
import { findJava } from '../../../../dev/stack/java.ts'
import { kafkaClassPath } from '../../../../dev/stack/maven.ts'
import { ProcessGroup } from '../../../../dev/stack/process-group.ts'
import { StackError } from '../../../../dev/stack/stack-error.ts'
import { until } from '../../../../test-support/until.ts'
import { brokers, skip, useQuickHeartbeats } from './kafka-tools.ts'
import { freshId, openClient, put } from './support.ts'

const PARTITIONS = 4
const WORDS_A_LIFE = 2_000
const LIVES = 2
const KEYS = 50

/** Kafka's own consumer, or why it cannot run here. */
async function foreignReader(t: TestContext): Promise<TopicReader | string> {
  const directory = await mkdtemp(join(tmpdir(), 'exactly-once-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const group = new ProcessGroup()
  try {
    const java = await findJava(process.env)
    const classPath = await kafkaClassPath({ group, env: process.env, logDirectory: directory })
    return { java, classPath, brokers, directory }
  } catch (error) {
    if (error instanceof StackError) return error.message
    throw error
  } finally {
    await group.stop()
  }
}

function startProcess(t: TestContext, args: readonly string[]): ChildProcess {
  const child = spawn(
    process.execPath,
    ['-C', '@tributary/source', join(import.meta.dirname, 'once-process.ts'), ...args],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  t.after(() => child.kill('SIGKILL'))
  return child
}

async function endsOf(
  { admin }: KafkaClient,
  topic: string,
): Promise<{ readonly visible: number; readonly written: number }> {
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }))
  const sum = (offsets: readonly number[]): number => offsets.reduce((total, offset) => total + offset, 0)
  return {
    visible: sum(await admin.listOffsets(partitions, 'latest', 'read-committed')),
    written: sum(await admin.listOffsets(partitions, 'latest', 'read-uncommitted')),
  }
}

for (const protocol of ['consumer', 'classic'])
  test(
    `processes killed in the middle of a transaction lose and repeat nothing, as Kafka's own consumer sees it (${protocol})`,
    { skip },
    async t => {
      const reader = await foreignReader(t)
      if (typeof reader === 'string') {
        t.skip(reader)
        return
      }
      const kafka = openClient(t)
      const id = freshId('once')
      const words = { topic: `${id}-words`, partitions: PARTITIONS }
      const results = `${id}-results`
      await kafka.admin.createTopics([
        { name: words.topic, partitions: PARTITIONS },
        { name: results, partitions: PARTITIONS },
      ])
      await useQuickHeartbeats(id, 2_000)

      let killedInTransaction = 0
      for (let life = 0; life < LIVES; life += 1) {
        const from = life * WORDS_A_LIFE
        const before = (await endsOf(kafka, results)).written
        const child = startProcess(t, [id, 'the-one', protocol])
        const numbered = Array.from(
          { length: WORDS_A_LIFE },
          (_, i) => [`k${(from + i) % KEYS}`, String(from + i)] as const,
        )
        for (let i = 0; i < WORDS_A_LIFE; i += 100) await put(kafka, words, numbered.slice(i, i + 100))
        await until(
          'it is in the middle of a transaction',
          async () => {
            const { visible, written } = await endsOf(kafka, results)
            return written > before + 100 && visible < written
          },
          { timeoutMs: 30_000 },
        )
        child.kill('SIGKILL')
        await once(child, 'exit')
        const { visible, written } = await endsOf(kafka, results)
        if (visible < written) killedInTransaction += 1
      }
      assert.ok(killedInTransaction > 0, 'no process was killed in the middle of a transaction')

      const last = startProcess(t, [id, 'the-one', protocol])
      const total = LIVES * WORDS_A_LIFE
      const member = kafka.createGroupMember({ groupId: id, topics: [words.topic] })
      const inputs = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: words.topic, partition }))
      await until(
        'everything is committed',
        async () => {
          const offsets = await member.committed(inputs)
          return offsets.reduce<number>((sum, offset) => sum + (offset ?? 0), 0) === total
        },
        { timeoutMs: 30_000, everyMs: 50 },
      )
      last.kill('SIGTERM')
      assert.deepEqual(await once(last, 'exit'), [0, null])

      const read = await dumpTopic(reader, results)
      const seen = read.map(({ value }) => String(value)).toSorted()
      const expected = Array.from({ length: total }, (_, i) => [`${i} now`, `${i} later`]).flat()
      assert.deepEqual(seen, expected.toSorted())
      for (const when of ['now', 'later'])
        for (let key = 0; key < KEYS; key += 1) {
          const numbers = read
            .filter(record => String(record.key) === `k${key}` && String(record.value).endsWith(when))
            .map(record => Number.parseInt(String(record.value), 10))
          assert.deepEqual(
            numbers,
            numbers.toSorted((a, b) => a - b),
            `k${key} ${when}`,
          )
        }
    },
  )
