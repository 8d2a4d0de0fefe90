import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { exitText, type ManagedProcess, type ProcessSpec } from '../../stack/managed-process.ts'
import { freePort } from '../../stack/ports.ts'
import { ProcessGroup } from '../../stack/process-group.ts'
import { repositoryRoot } from '../../stack/repository.ts'
import { StackError } from '../../stack/stack-error.ts'
import { DemoError } from '../demo-error.ts'

export interface ServiceProcess {
  /** `braze-sink`, or `braze-sink-2` where there are several. */
  readonly name: string
  readonly url: string
  readonly logFile: string
  readonly process: ManagedProcess
  /** By which it can be started again, at the same address. */
  readonly spec: ProcessSpec
}

export interface ServiceSpec {
  /** Its folder below `services/`. */
  readonly service: string
  /** How it is called in messages and in its log's name. */
  readonly name: string
  readonly env: Readonly<Record<string, string>>
  /** Whether other services ask it: it is stopped after them, so that they can finish what they have begun. */
  readonly isAskedByOthers: boolean
}

/** What the surroundings might set, and what is decided here for every process. */
const OWN_VARIABLES = /^(BRAZE|SIMULATOR|ACTIVITIES|CONSOLE)_|^(HOST|PORT|INSTANCE_ID)$/
const LOG_LINES = 20
const LOG_LINE_LENGTH = 400

/** The services of one demo: started from their sources, each on a port of its own and with a log of its own. */
export class ServiceProcesses {
  readonly #group: ProcessGroup
  readonly #asked = new ProcessGroup()
  readonly #logDirectory: string
  readonly #started: ServiceProcess[] = []
  readonly #failure = Promise.withResolvers<never>()

  constructor(group: ProcessGroup, logDirectory: string) {
    this.#group = group
    this.#logDirectory = logDirectory
    group.defer(() => this.#asked.stop())
    // Whoever waits for something else meanwhile races against it; nobody may be waiting yet.
    this.#failure.promise.catch(() => {})
  }

  get started(): readonly ServiceProcess[] {
    return this.#started
  }

  /** Never resolves. Rejects with DEMO_SERVICE_ENDED when a service ends by itself. */
  get failure(): Promise<never> {
    return this.#failure.promise
  }

  /**
   * Resolves when the service says that it is ready.
   * @throws DemoError DEMO_SERVICE_ENDED, with the end of its log, when it ends before that or takes too long.
   */
  async start({ service, name, env, isAskedByOthers }: ServiceSpec): Promise<ServiceProcess> {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const logFile = join(this.#logDirectory, `${name}.log`)
    const spec = serviceProcess({ service, name, env, port, logFile })
    let child: ManagedProcess
    try {
      child = await (isAskedByOthers ? this.#asked : this.#group).start(spec)
      this.#watch(child)
    } catch (error) {
      if (!(error instanceof StackError) || error.code === 'STACK_STOPPED') throw error
      throw new DemoError('DEMO_SERVICE_ENDED', withLogEnd(error.message, logFile), { cause: error })
    }
    const started = { name, url, logFile, process: child, spec }
    this.#started.push(started)
    return started
  }

  #watch(child: ManagedProcess): void {
    void child.ended.then(exit => {
      if (this.#group.isStopping) return
      const what = `${child.name} ended ${exitText(exit)} while the demo still needed it.`
      this.#failure.reject(new DemoError('DEMO_SERVICE_ENDED', withLogEnd(what, child.logFile)))
    })
  }
}

/** A service as it runs from its sources; it is ready when it says so itself. */
export function serviceProcess({
  service,
  name,
  env,
  port,
  logFile,
}: Omit<ServiceSpec, 'isAskedByOthers'> & {
  readonly port: number
  readonly logFile: string
}): ProcessSpec {
  return {
    name,
    command: process.execPath,
    args: ['-C', '@tributary/source', join(repositoryRoot, 'services', service, 'src', 'main.ts')],
    env: { ...withoutOwnVariables(process.env), ...env, HOST: '127.0.0.1', PORT: String(port) },
    logFile,
    readyWhen: async signal => (await fetch(`http://127.0.0.1:${port}/health/ready`, { signal })).ok,
  }
}

function withoutOwnVariables(env: NodeJS.ProcessEnv): Record<string, undefined> {
  const names = Object.keys(env).filter(name => OWN_VARIABLES.test(name))
  return Object.fromEntries(names.map(name => [name, undefined]))
}

function withLogEnd(what: string, logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-LOG_LINES)
  const shown = lines.map(
    line => `  ${line.length > LOG_LINE_LENGTH ? `${line.slice(0, LOG_LINE_LENGTH)}…` : line}`,
  )
  return `${what}\nIts log, ${relative(process.cwd(), logFile)}, ends with:\n${shown.join('\n')}`
}
