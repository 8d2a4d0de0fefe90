import { join } from 'node:path'
import type { Contestant } from './contestant.ts'

const folder = join(import.meta.dirname, '..', '..')

export const franzGo: Contestant = {
  name: 'franz-go',
  title: 'a Go loop on franz-go and hamba/avro',
  guarantee: 'at-least-once',
  processes: 1,
  lacks: ['enriched'],
  async prepare(ground) {
    const program = join(ground.dataDirectory, 'franz-go')
    const logFile = join(ground.logDirectory, 'go-build.log')
    try {
      const exit = await ground.group.run({
        name: 'go',
        command: 'go',
        args: ['build', '-o', program, '.'],
        cwd: join(folder, 'franz-go'),
        logFile,
      })
      if (exit.code !== 0) return { missing: `Go could not build it, see ${logFile}` }
    } catch (error) {
      // Not there, and nobody who uses the project needs it.
      return { missing: `no Go here (${(error as Error).message})` }
    }
    return { command: program, args: [], env: { BENCH_SCHEMAS: join(folder, 'schemas') } }
  },
}
