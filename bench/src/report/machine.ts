import { execFile } from 'node:child_process'
import { cpus, release, totalmem, type } from 'node:os'
import { promisify } from 'node:util'
import { repositoryRoot } from '../../../dev/stack/repository.ts'
import { kafkaVersion } from '../../../dev/stack/maven.ts'
import { findJava } from '../../../dev/stack/java.ts'
import { streamsJava } from '../contestants/kafka-streams.ts'

export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  readonly node: string
  /** What Kafka Streams runs on, and what the broker runs on. */
  readonly java: string
  readonly brokerJava: string
  readonly kafka: string
}

export interface Commit {
  readonly id: string
  /** Files were changed and not committed. */
  readonly isChanged: boolean
}

export async function describeMachine(): Promise<Machine> {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.versions.node,
    java: await javaVersion(await streamsJava()),
    brokerJava: await javaVersion(await findJava(process.env)),
    kafka: await kafkaVersion(),
  }
}

export async function currentCommit(): Promise<Commit> {
  const [id, changes] = await Promise.all([
    git('rev-parse', '--short', 'HEAD'),
    // Saving a result changes the tree, and nothing that is measured.
    git('status', '--porcelain', '--untracked-files=no', '--', 'packages', 'bench', ':!bench/results'),
  ])
  return { id, isChanged: changes !== '' }
}

/** A folder's name: the processor and how many cores it has here. */
export function machineSlug({ processor, cores }: Machine): string {
  const words = processor
    .toLowerCase()
    .replaceAll(/\((r|tm)\)|processor|cpu|@.*$|\d+-core/g, ' ')
    .split(/[^a-z0-9]+/)
    .filter(Boolean)
  return [...words, cores, 'cores'].join('-')
}

async function git(...args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)('git', args, { cwd: repositoryRoot })).stdout.trim()
  } catch {
    // Unpacked from an archive, say.
    return 'unknown'
  }
}

async function javaVersion(java: string): Promise<string> {
  const { stderr } = await promisify(execFile)(java, ['-version'])
  return /version "([^"]+)"/.exec(stderr)?.[1] ?? 'unknown'
}
