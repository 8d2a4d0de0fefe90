import { CODEGEN } from './codegen.ts'
import type { Command } from './command.ts'
import { DESCRIBE } from './describe/describe.ts'
import { DIFF } from './describe/diff.ts'
import { LIST } from './dlq/list.ts'
import { REPLAY } from './dlq/replay.ts'
import { SHOW } from './dlq/show.ts'

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [CODEGEN, DESCRIBE, DIFF, LIST, SHOW, REPLAY]

/** First words that several commands share and that are no command by themselves. */
export const GROUPS: Readonly<Record<string, string>> = {
  dlq: 'dead letters: list them, look at one, play them back',
}
