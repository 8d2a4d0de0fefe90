import { join } from 'node:path'
import { repositoryRoot } from '../../../dev/stack/repository.ts'
import { BenchError } from '../bench-error.ts'
import type { Ground } from '../ground.ts'
import type { Contestant } from './contestant.ts'

const programs = join(import.meta.dirname, '..', 'programs')

let built: Promise<void> | undefined

/** What is deployed is measured: the packages' compiled JavaScript, so without the condition that leads to their sources. */
export function tributary(
  name: string,
  title: string,
  settings: {
    readonly guarantee?: Contestant['guarantee']
    readonly processes?: number
    readonly lingerMs?: number
    readonly readsWhole?: boolean
    /** Of Node. Default: none. */
    readonly flags?: readonly string[]
  } = {},
): Contestant {
  return {
    name,
    title,
    guarantee: settings.guarantee ?? 'at-least-once',
    processes: settings.processes ?? 1,
    async prepare(ground) {
      await compilePackages(ground)
      return {
        command: process.execPath,
        args: [...(settings.flags ?? []), join(programs, 'tributary', 'main.ts')],
        env: {
          ...(settings.lingerMs === undefined ? {} : { BENCH_LINGER_MS: String(settings.lingerMs) }),
          ...(settings.readsWhole === true ? { BENCH_READS_WHOLE: 'true' } : {}),
        },
      }
    },
  }
}

export const handWritten: Contestant = {
  name: 'hand-written',
  title: 'MessagesStream + avsc + producer.send',
  guarantee: 'at-least-once',
  processes: 1,
  prepare: () =>
    Promise.resolve({ command: process.execPath, args: [join(programs, 'hand-written', 'main.ts')] }),
}

/** Once a run. @throws BenchError BENCH_SET_UP */
export async function compilePackages(ground: Ground): Promise<void> {
  built ??= compile(ground)
  await built
}

async function compile(ground: Ground): Promise<void> {
  const logFile = join(ground.logDirectory, 'tsc.log')
  const exit = await ground.group.run({
    name: 'tsc',
    command: 'tsc',
    args: ['-b', join(repositoryRoot, 'packages', 'topology'), join(repositoryRoot, 'packages', 'enrichers')],
    logFile,
  })
  if (exit.code !== 0) {
    throw new BenchError('BENCH_SET_UP', `The packages do not compile: read ${logFile} for the reason.`)
  }
}
