import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProcessGroup } from './process-group.ts'
import { localDirectory } from './repository.ts'
import { StackError } from './stack-error.ts'

/** Programs that come from Debian: Burrow and the ZooKeeper that it needs, Prometheus and promtool. */
export interface DebianProgram {
  /** As messages call it. */
  readonly name: string
  readonly packages: readonly string[]
  /** Below the root of the file system; where they all are, the packages are there. */
  readonly files: readonly string[]
}

export const BURROW: DebianProgram = {
  name: 'Burrow',
  packages: ['burrow'],
  files: ['usr/bin/Burrow'],
}

/** The server's jars without those of its admin server, which is not started. */
const ZOOKEEPER_JARS = [
  'zookeeper',
  'zookeeper-jute',
  'slf4j-api',
  'slf4j-simple',
  'netty-buffer',
  'netty-codec',
  'netty-common',
  'netty-handler',
  'netty-resolver',
  'netty-transport',
  'netty-transport-native-epoll',
  'netty-transport-native-unix-common',
  'snappy-java',
  'metrics-core',
  'commons-cli',
  'commons-io',
]

export const ZOOKEEPER: DebianProgram = {
  name: 'ZooKeeper',
  packages: [
    'libzookeeper-java',
    'libslf4j-java',
    'libnetty-java',
    'libsnappy-java',
    'libdropwizard-metrics-java',
    'libcommons-cli-java',
    'libcommons-io-java',
  ],
  files: ZOOKEEPER_JARS.map(jar => `usr/share/java/${jar}.jar`),
}

export const PROMETHEUS: DebianProgram = {
  name: 'Prometheus',
  packages: ['prometheus'],
  files: ['usr/bin/prometheus', 'usr/bin/promtool'],
}

export interface PackageRun {
  readonly group: ProcessGroup
  readonly logDirectory: string
}

const cacheDirectory = join(localDirectory, 'debian')
const systemRoot = '/'

/**
 * The folder below which the program's files are: the system's own root where its packages are installed, else a
 * private folder in `.local`. Installing them would start servers and leave users and folders behind, so they are
 * only downloaded and unpacked; apt's lists are private too. The machine stays as it was, and root is not needed.
 * @throws StackError STACK_PACKAGES, STACK_DOWNLOAD
 */
export async function debianRoot(run: PackageRun, program: DebianProgram): Promise<string> {
  if (isBelow(systemRoot, program)) return systemRoot
  const unpacked = join(cacheDirectory, `${program.name.toLowerCase()}-${hashOf(program)}`)
  if (isBelow(unpacked, program)) return unpacked
  if (!existsSync('/usr/bin/apt-get') || !existsSync('/usr/bin/dpkg-deb')) {
    throw new StackError(
      'STACK_PACKAGES',
      `${program.name} comes from Debian's ${program.packages.join(', ')}, and there is neither that nor apt-get to fetch it.`,
    )
  }
  const fresh = join(cacheDirectory, `fresh-${randomUUID()}`)
  try {
    await fetchPackages(run, program, fresh)
    await rename(join(fresh, 'root'), unpacked).catch((error: unknown) => {
      // Another run was quicker, and the same files are there.
      if (!isBelow(unpacked, program)) throw error
    })
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
  return unpacked
}

/** For tests: why they cannot run here, or false. Whatever had to be fetched is there afterwards. */
export async function skipWithout(
  run: PackageRun,
  programs: readonly DebianProgram[],
): Promise<string | false> {
  for (const program of programs) {
    try {
      await debianRoot(run, program)
    } catch (error) {
      if (!(error instanceof StackError)) throw error
      return error.message
    }
  }
  return false
}

/** Of ZooKeeper's server. */
export function zooKeeperJars(root: string): readonly string[] {
  return ZOOKEEPER.files.map(file => join(root, file))
}

async function fetchPackages(run: PackageRun, program: DebianProgram, fresh: string): Promise<void> {
  const archives = join(fresh, 'archives')
  for (const folder of ['lists/partial', 'cache/archives/partial', 'archives', 'root']) {
    await mkdir(join(fresh, folder), { recursive: true })
  }
  const apt = [
    '-q',
    `-oDir::State::Lists=${join(fresh, 'lists')}`,
    `-oDir::Cache=${join(fresh, 'cache')}`,
    // As root it would download as the user _apt, who may not write here.
    '-oAPT::Sandbox::User=root',
  ]
  await runOrFail(run, program, { command: 'apt-get', args: [...apt, 'update'] })
  await runOrFail(run, program, {
    command: 'apt-get',
    args: [...apt, 'download', ...program.packages],
    cwd: archives,
  })
  for (const archive of await readdir(archives)) {
    const args = ['--extract', join(archives, archive), join(fresh, 'root')]
    await runOrFail(run, program, { command: 'dpkg-deb', args })
  }
  if (!isBelow(join(fresh, 'root'), program)) {
    throw new StackError(
      'STACK_PACKAGES',
      `${program.packages.join(', ')} of this system lack some of ${program.files.join(', ')}.`,
    )
  }
}

async function runOrFail(
  run: PackageRun,
  program: DebianProgram,
  spec: { readonly command: string; readonly args: readonly string[]; readonly cwd?: string },
): Promise<void> {
  const logFile = join(run.logDirectory, 'packages.log')
  const exit = await run.group.run({ name: spec.command, logFile, ...spec })
  if (exit.code === 0) return
  throw new StackError(
    'STACK_DOWNLOAD',
    `${program.name} could not be fetched from Debian (${program.packages.join(', ')}): check the network and apt's sources, and read ${logFile} for the reason.`,
  )
}

function isBelow(root: string, program: DebianProgram): boolean {
  return program.files.every(file => existsSync(join(root, file)))
}

function hashOf(program: DebianProgram): string {
  return createHash('sha256').update(program.packages.join(' ')).digest('hex').slice(0, 12)
}
