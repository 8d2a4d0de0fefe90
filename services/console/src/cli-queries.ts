import { runCli } from '@tributary/topology/cli'
import type { Clock, KafkaClient, SchemaRegistry } from '@tributary/topology'
import { ConsoleError } from './console-error.ts'

export interface CliQueriesOptions {
  readonly kafkaBrokers: readonly string[]
  readonly schemaRegistryUrl: string
  /** For tests. Default: a client of the brokers, the registry at the URL. */
  readonly connect?: () => KafkaClient
  readonly openRegistry?: () => SchemaRegistry
  readonly clock?: Clock
}

export interface CliAnswer {
  readonly exitCode: number
  /** One JSON document a line. */
  readonly lines: readonly unknown[]
  readonly complaints: string
}

const MAX_AT_ONCE = 4

/** Asks Kafka what the `tributary` command asks it, in this process: what a page shows is what the command prints. */
export class CliQueries {
  readonly #options: CliQueriesOptions
  readonly #closing = new AbortController()
  #running = 0

  constructor(options: CliQueriesOptions) {
    this.#options = options
  }

  /**
   * Flags are the program's own words; what a user typed goes into `operands`, where nothing is taken for an option.
   * @throws ConsoleError CONSOLE_BUSY, CONSOLE_KAFKA_FAILED
   */
  async run(
    command: readonly string[],
    { flags, operands }: { readonly flags: readonly string[]; readonly operands: readonly string[] },
  ): Promise<CliAnswer> {
    if (this.#running >= MAX_AT_ONCE)
      throw new ConsoleError('CONSOLE_BUSY', 'Several questions to Kafka are under way: try again')
    const { kafkaBrokers, connect, openRegistry, clock } = this.#options
    let printed = ''
    let complaints = ''
    this.#running += 1
    try {
      const args = [...command, `--brokers=${kafkaBrokers.join(',')}`, ...flags, '--', ...operands]
      const exitCode = await runCli(args, {
        workingDirectory: '/',
        print: text => void (printed += text),
        complain: text => void (complaints += text),
        signal: this.#closing.signal,
        ...(connect === undefined ? {} : { connect }),
        ...(openRegistry === undefined ? {} : { openRegistry }),
        ...(clock === undefined ? {} : { clock }),
      })
      const lines = printed.split('\n').filter(line => line !== '')
      if (lines.length === 0)
        throw new ConsoleError('CONSOLE_KAFKA_FAILED', complaints.split('\n\n')[0]!.trim())
      return { exitCode, complaints, lines: lines.map(line => JSON.parse(line) as unknown) }
    } catch (cause) {
      if (cause instanceof ConsoleError) throw cause
      throw new ConsoleError('CONSOLE_KAFKA_FAILED', 'Kafka or the registry did not answer as they should', {
        cause,
      })
    } finally {
      this.#running -= 1
    }
  }

  registryFlag(): string {
    return `--registry=${this.#options.schemaRegistryUrl}`
  }

  close(): void {
    this.#closing.abort()
  }
}
