import { CODEGEN } from './codegen.ts'
import type { Command } from './command.ts'
import { DESCRIBE } from './describe/describe.ts'
import { DIFF } from './describe/diff.ts'
import { LIST } from './dlq/list.ts'
import { REPLAY } from './dlq/replay.ts'
import { SHOW } from './dlq/show.ts'
import { EXPLAIN } from './explain/explain.ts'
import { LAG } from './group/lag.ts'
import { RESET } from './group/reset.ts'
import { CHECK } from './schemas/check.ts'
import { REGISTER } from './schemas/register.ts'
import { GET } from './tables/get.ts'

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  CODEGEN,
  DESCRIBE,
  DIFF,
  LAG,
  RESET,
  GET,
  EXPLAIN,
  CHECK,
  REGISTER,
  LIST,
  SHOW,
  REPLAY,
]

/** First words that several commands share and that are no command by themselves. */
export const GROUPS: Readonly<Record<string, string>> = {
  tables: 'what is in the topic of a table',
  schemas: 'the schemas of the code and those of the registry',
  dlq: 'dead letters: list them, look at one, play them back',
}
