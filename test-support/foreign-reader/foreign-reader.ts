import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findJava } from '../../dev/stack/java.ts'
import { classPath } from '../../dev/stack/maven.ts'
import { ProcessGroup } from '../../dev/stack/process-group.ts'
import { localDirectory } from '../../dev/stack/repository.ts'
import { StackError } from '../../dev/stack/stack-error.ts'

/** A record as Java's client and Apicurio's deserializer have read it; see Reader.java. */
export interface ForeignRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string
  /** The partition where Java's default partitioner puts the key. */
  readonly keyPartition: number
  /** The full name of the record's schema. */
  readonly schema: string | null
  /** Decimals are texts, timestamps are ISO 8601 in UTC with milliseconds. */
  readonly value: unknown
}

export interface ForeignRow {
  readonly topic: string
  readonly key: string
  readonly schema: object
  /** In Avro's JSON encoding; null is a tombstone. */
  readonly value: unknown
}

/** A consumer and a producer in Java, which share nothing with this project but the wire. */
export interface ForeignReader {
  /** From the beginning of the topics to where they end now. */
  read(topics: readonly string[]): Promise<readonly ForeignRecord[]>
  write(rows: readonly ForeignRow[]): Promise<void>
}

const CONFLUENT_API = /\/apis\/ccompat\/v\d+\/?$/
const RUN_DEADLINE_MS = 60_000
const MAX_OUTPUT_BYTES = 64 * 1_048_576

/**
 * The reader for the broker and the registry that the environment names, or what it would need to run here. Fetches its
 * jars with Maven the first time.
 * @throws StackError STACK_DOWNLOAD
 */
export async function openForeignReader(
  env: NodeJS.ProcessEnv,
): Promise<{ readonly reader: ForeignReader } | { readonly skip: string }> {
  const brokers = env['KAFKA_BROKERS']
  const registryUrl = env['SCHEMA_REGISTRY_URL']
  if (!brokers) return { skip: 'KAFKA_BROKERS names no broker' }
  if (!registryUrl) return { skip: 'SCHEMA_REGISTRY_URL names no schema registry' }
  if (!CONFLUENT_API.test(registryUrl)) {
    return { skip: 'the Java client reads from Apicurio Registry, and SCHEMA_REGISTRY_URL names another' }
  }
  const group = new ProcessGroup()
  try {
    const java = await findJava(env)
    if (!(await canCompile(java))) return { skip: `the Java client needs a JDK, and ${java} has no compiler` }
    const jars = await classPath(
      { group, env, logDirectory: join(localDirectory, 'logs', `foreign-reader-${process.pid}`) },
      { name: 'foreign-reader', what: 'the Java client', pom: join(import.meta.dirname, 'pom.xml') },
    )
    const nativeUrl = registryUrl.replace(CONFLUENT_API, '/apis/registry/v2')
    return { reader: new JavaReader({ java, jars, servers: [brokers, nativeUrl] }) }
  } catch (error) {
    if (!(error instanceof StackError)) throw error
    if (error.code === 'STACK_JAVA') return { skip: 'the Java client needs Java 17 or later' }
    if (error.code === 'STACK_MAVEN')
      return { skip: 'the Java client is fetched with Maven, which is missing' }
    throw error
  } finally {
    await group.stop()
  }
}

/** A Java without its compiler cannot run a source file. */
async function canCompile(java: string): Promise<boolean> {
  const { stdout } = await promisify(execFile)(java, ['--list-modules'])
  return stdout.includes('jdk.compiler')
}

interface JavaOptions {
  readonly java: string
  readonly jars: string
  /** The first arguments of both programs. */
  readonly servers: readonly string[]
}

class JavaReader implements ForeignReader {
  readonly #options: JavaOptions

  constructor(options: JavaOptions) {
    this.#options = options
  }

  async read(topics: readonly string[]): Promise<readonly ForeignRecord[]> {
    const output = await this.#run('Reader.java', topics)
    const lines = output.split('\n').filter(line => line !== '')
    return lines.map(line => JSON.parse(line) as ForeignRecord)
  }

  async write(rows: readonly ForeignRow[]): Promise<void> {
    await this.#run('Writer.java', [], rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  }

  /** Rejects with what the program wrote to its standard error. */
  async #run(source: string, args: readonly string[], input = ''): Promise<string> {
    const { java, jars, servers } = this.#options
    const running = promisify(execFile)(
      java,
      [...QUICK_START, join(import.meta.dirname, source), ...servers, ...args],
      {
        env: { ...process.env, CLASSPATH: jars },
        timeout: RUN_DEADLINE_MS,
        killSignal: 'SIGKILL',
        maxBuffer: MAX_OUTPUT_BYTES,
      },
    )
    // A program that has failed at once no longer reads; its own message says more than a broken pipe.
    running.child.stdin!.on('error', () => {}).end(input)
    return (await running).stdout
  }
}

/** It lives for seconds: what a long run would gain by an optimizing compiler or a concurrent collector it never sees. */
const QUICK_START = [
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  '-Xmx256m',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
]
