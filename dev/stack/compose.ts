import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ProcessGroup } from './process-group.ts'
import { repositoryRoot } from './repository.ts'
import { StackError } from './stack-error.ts'

export interface ComposeOptions {
  readonly group: ProcessGroup
  /** Compose's name for what belongs together; its containers are found again by it. */
  readonly project: string
  /** Of the compose file's services. */
  readonly services: readonly string[]
  /** Has the `docker` on its PATH, and fills in the compose file's variables. */
  readonly env: NodeJS.ProcessEnv
  readonly logFile: string
  readonly outlivesParent: boolean
}

const endWithParent = new Map<string, NodeJS.ProcessEnv>()

// As for processes: the last resort of a parent that ends without having stopped what it started.
process.on('exit', () => {
  for (const [project, env] of endWithParent)
    execFileSync('docker', downArgs(project), { env, stdio: 'ignore' })
})

const composeFile = join(repositoryRoot, 'docker-compose.yml')
const ENGINE_DEADLINE_MS = 10_000

export async function isDockerRunning(env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    await promisify(execFile)('docker', ['info'], { env, timeout: ENGINE_DEADLINE_MS })
    await promisify(execFile)('docker', ['compose', 'version'], { env, timeout: ENGINE_DEADLINE_MS })
    return true
  } catch {
    return false
  }
}

/**
 * Starts containers and returns; the caller waits for what is in them. Their output goes to the log for as long as
 * the group lives.
 * @throws StackError STACK_DOCKER
 */
export async function composeUp(options: ComposeOptions): Promise<void> {
  const { group, project, services, env, logFile, outlivesParent } = options
  if (!outlivesParent) endWithParent.set(project, env)
  const started = await group.run({
    name: 'Docker Compose',
    command: 'docker',
    args: [...composeArgs(project), 'up', '--detach', ...services],
    env,
    logFile,
  })
  if (started.code !== 0) {
    throw new StackError(
      'STACK_DOCKER',
      `Docker Compose could not start ${services.join(' and ')}: read ${logFile} for the reason.`,
    )
  }
  await group.start({
    name: 'Docker Compose',
    command: 'docker',
    args: [...composeArgs(project), 'logs', '--follow', '--no-color', ...services],
    env,
    logFile,
    outlivesParent,
  })
}

/** Removes the project's containers, networks and volumes. */
export async function composeDown(project: string, env: NodeJS.ProcessEnv): Promise<void> {
  await promisify(execFile)('docker', downArgs(project), { env })
  endWithParent.delete(project)
}

function downArgs(project: string): string[] {
  return [...composeArgs(project), 'down', '--volumes', '--timeout', '5']
}

function composeArgs(project: string): string[] {
  return ['compose', '--project-name', project, '--file', composeFile]
}
