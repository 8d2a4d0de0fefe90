import type { KafkaClientOptions } from '../client/platformatic/kafka-client.ts'
import type { KafkaClient } from '../client/ports.ts'
import type { Clock } from '../clock.ts'
import type { SchemaRegistry } from '../serde/schema-registry.ts'

/** What a command knows of its surroundings. */
export interface CliContext {
  readonly workingDirectory: string
  print(text: string): void
  complain(text: string): void
  /** Asks whoever sits at the terminal. Undefined where nobody does. */
  readonly ask?: ((question: string) => Promise<string>) | undefined
  /** Where plug-ins are looked for besides `node_modules/.bin`, as in PATH. Default: nowhere. */
  readonly searchPath?: string | undefined
  /** Aborted by Ctrl-C: the command ends in good order, with exit code 130. */
  readonly signal?: AbortSignal | undefined
  /** Default: the system's. */
  readonly clock?: Clock | undefined
  /** Whether what is printed goes to a terminal that shows colours, and nobody minds. Default: no. */
  readonly isColoured?: boolean | undefined
  /** Default: a client of the brokers that are named. */
  readonly connect?: ((options: KafkaClientOptions) => KafkaClient) | undefined
  /** Default: the one whose URL is given. */
  readonly openRegistry?: ((url: string) => SchemaRegistry) | undefined
}

/** Ends a command with one message instead of a stack. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: 1 | 2

  constructor(message: string, exitCode: 1 | 2, cause?: unknown) {
    super(message, { cause })
    this.exitCode = exitCode
  }
}
