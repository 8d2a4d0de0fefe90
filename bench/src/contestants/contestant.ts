import type { Ground } from '../ground.ts'
import type { Steps } from '../job/variant.ts'

/** A process to start; a contestant may have several. */
export interface ProgramCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface Contestant {
  /** As `--only` names it. */
  readonly name: string
  readonly title: string
  readonly guarantee: 'at-least-once' | 'exactly-once'
  readonly processes: number
  /** What it cannot do of the job's variants. Default: nothing. */
  readonly lacks?: readonly Steps[]
  /**
   * Builds what it runs. Resolves with the command, or with why it cannot take part here.
   * @throws StackError, BenchError when something is wrong rather than missing
   */
  prepare(ground: Ground): Promise<ProgramCommand | { readonly missing: string }>
}
