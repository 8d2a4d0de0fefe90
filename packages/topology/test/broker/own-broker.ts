import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findJava } from '../../../../dev/stack/java.ts'
import { kafkaAnswers, serverArgs, startKafka } from '../../../../dev/stack/kafka.ts'
import type { ManagedProcess } from '../../../../dev/stack/managed-process.ts'
import { kafkaClassPath } from '../../../../dev/stack/maven.ts'
import { freePort } from '../../../../dev/stack/ports.ts'
import { signalGroup } from '../../../../dev/stack/process-identity.ts'
import { ProcessGroup } from '../../../../dev/stack/process-group.ts'
import type { TopicReader } from '../../../../dev/chaos/topic-dump.ts'

/** A broker that a test can take away and give back, beside the one that all tests share. */
export class OwnBroker {
  /** For Kafka's own consumer; `brokers` names this one. */
  readonly reader: TopicReader
  readonly #group: ProcessGroup
  #process: ManagedProcess

  private constructor(reader: TopicReader, group: ProcessGroup, process: ManagedProcess) {
    this.reader = reader
    this.#group = group
    this.#process = process
  }

  /** @throws StackError where there is no Java, or it does not start. */
  static async start({ kafkaVersion }: { readonly kafkaVersion?: string } = {}): Promise<OwnBroker> {
    const directory = await mkdtemp(join(tmpdir(), 'own-broker-'))
    const group = new ProcessGroup()
    group.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 3 }))
    try {
      const java = await findJava(process.env)
      const maven = { group, env: process.env, logDirectory: directory }
      const classPath = await kafkaClassPath(maven, kafkaVersion)
      const { broker, process: child } = await startKafka({
        group,
        java,
        classPath,
        port: await freePort(),
        dataDirectory: join(directory, 'kafka'),
        logFile: join(directory, 'kafka.log'),
      })
      return new OwnBroker({ java, classPath, brokers: [broker], directory }, group, child)
    } catch (error) {
      await group.stop()
      throw error
    }
  }

  get brokers(): string[] {
    return [...this.reader.brokers]
  }

  /** Connections stay, and nothing is answered. */
  freeze(): void {
    signalGroup(this.#process.pid, 'SIGSTOP')
  }

  thaw(): void {
    signalGroup(this.#process.pid, 'SIGCONT')
  }

  /** Connections are gone, and new ones are refused. */
  async kill(): Promise<void> {
    this.#process.killNow()
    await this.#process.ended
  }

  /** With what it has stored. */
  async startAgain(): Promise<void> {
    const { java, classPath, brokers, directory } = this.reader
    const configFile = join(directory, 'kafka', 'server.properties')
    this.#process = await this.#group.start({
      name: 'Kafka',
      command: java,
      args: serverArgs({ heapMiB: 512, classPath, configFile }),
      logFile: join(directory, 'kafka.log'),
      readyWhen: kafkaAnswers(brokers),
    })
  }

  async close(): Promise<void> {
    // Nobody needs what it stores, and one that stands still hears of nothing else.
    await this.kill()
    await this.#group.stop()
  }
}
