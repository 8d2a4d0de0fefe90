import { join } from 'node:path'
import type { ProgramCommand } from '../contestants/contestant.ts'
import { streamsProgram } from '../contestants/kafka-streams.ts'
import { compilePackages } from '../contestants/node-programs.ts'
import type { Ground } from '../ground.ts'

export interface TableContestant {
  readonly name: string
  readonly title: string
  prepare(ground: Ground): Promise<ProgramCommand>
}

const programs = join(import.meta.dirname, '..', 'programs', 'tables')

function nodeProgram(name: string, title: string, file: string): TableContestant {
  return {
    name,
    title,
    async prepare(ground) {
      await compilePackages(ground)
      // A Map of so many objects needs more heap than Node takes by itself.
      return { command: process.execPath, args: ['--max-old-space-size=12288', join(programs, file)] }
    },
  }
}

function streamsTable(name: string, title: string, options: readonly string[]): TableContestant {
  return { name, title, prepare: ground => streamsProgram(ground, 'tributary.bench.Tables', options) }
}

export const TABLE_CONTESTANTS: readonly TableContestant[] = [
  nodeProgram('tributary', 'Tributary, global table', 'tributary-load.ts'),
  nodeProgram('slab-store', 'Tributary, its store alone', 'slab-store.ts'),
  nodeProgram('map-of-objects', 'a Map of decoded objects', 'map-of-objects.ts'),
  streamsTable('kafka-streams-in-memory', 'Kafka Streams, in-memory', ['in-memory']),
  streamsTable('kafka-streams', 'Kafka Streams, RocksDB', []),
]
