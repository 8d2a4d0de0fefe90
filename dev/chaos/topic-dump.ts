import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'

/** A record as Java's consumer has read it. */
export interface DumpedRecord {
  readonly partition: number
  readonly offset: number
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  readonly key: Buffer | null
  /** Where it is larger than a megabyte, the text of '#', its size and its SHA-256 stands for it. */
  readonly value: Buffer | null
  readonly headers: readonly (readonly [string, Buffer | null])[]
}

export interface TopicReader {
  readonly java: string
  /** With Kafka's client in it. */
  readonly classPath: string
  readonly brokers: readonly string[]
  /** What was read is kept here, a file per topic, for whoever looks into a difference. */
  readonly directory: string
}

/**
 * All records of a topic that a reader in read_committed sees, each partition in its order. The reader is Kafka's own, so
 * that nothing of this project judges itself. Rejects with what it wrote to its standard error.
 */
export async function dumpTopic(reader: TopicReader, topic: string): Promise<readonly DumpedRecord[]> {
  const child = spawn(
    reader.java,
    [
      '-Xmx256m',
      '-XX:+UseSerialGC',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
      '-cp',
      reader.classPath,
      join(import.meta.dirname, 'TopicDump.java'),
      reader.brokers.join(','),
      topic,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', text => (complaint += text))
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve(code))
  })
  const records: DumpedRecord[] = []
  const copy = createWriteStream(join(reader.directory, `${topic}.dump`))
  child.stdout.pipe(copy)
  for await (const line of createInterface({ input: child.stdout })) records.push(parseLine(line))
  await finished(copy)
  if ((await ended) !== 0) throw new Error(`${topic} could not be read: ${complaint}`)
  return records
}

function parseLine(line: string): DumpedRecord {
  const [partition, offset, timestamp, key, value, ...headers] = line.split(' ')
  return {
    partition: Number(partition),
    offset: Number(offset),
    timestamp: Number(timestamp),
    key: bytes(key),
    value: bytes(value),
    headers: Array.from({ length: headers.length / 2 }, (_, index) => [
      bytes(headers[2 * index])?.toString() ?? '',
      bytes(headers[2 * index + 1]),
    ]),
  }
}

function bytes(text: string | undefined): Buffer | null {
  if (text === undefined || text === '-') return null
  return text.startsWith('#') ? Buffer.from(text) : Buffer.from(text, 'base64')
}
