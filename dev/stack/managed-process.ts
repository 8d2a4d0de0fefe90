import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { signalGroup, startTimeOf, terminate, type ProcessRecord } from './process-identity.ts'
import { StackError } from './stack-error.ts'

/** Says whether a process is ready; asked again and again, and a rejection means "not yet". */
export type Probe = (signal: AbortSignal) => Promise<boolean>

export interface ProcessSpec {
  /** As messages call it: `Kafka`, `braze-sink`. */
  readonly name: string
  readonly command: string
  readonly args?: readonly string[]
  /** Laid over the parent's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** Standard output and error are appended here; its folder is made. */
  readonly logFile: string
  readonly user?: { readonly uid: number; readonly gid: number }
  readonly readyWhen?: Probe
  /** For becoming ready. Default 60 s. */
  readonly readyDeadlineMs?: number
  /** Asks it to end. Default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals
  /** Sent when the parent is gone and nobody can wait any more. Default SIGKILL. */
  readonly deathSignal?: NodeJS.Signals
  /** Keeps running when the parent ends. */
  readonly outlivesParent?: boolean
}

export interface ExitStatus {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const READY_DEADLINE_MS = 60_000
const STOP_DEADLINE_MS = 10_000
const POLL_MS = 50

const endWithParent = new Set<ManagedProcess>()

// The last resort, for a parent that ends without having stopped its children: an 'exit' listener may only do
// synchronous work, so it signals and does not wait.
process.on('exit', () => {
  for (const child of endWithParent) child.killNow()
})

/** A child process that leads a process group of its own, so that a Ctrl-C at the terminal reaches only the parent. */
export class ManagedProcess {
  readonly name: string
  readonly logFile: string
  readonly pid: number
  /** Settles when the process has ended, whoever ended it. */
  readonly ended: Promise<ExitStatus>
  readonly #spec: ProcessSpec
  #exit: ExitStatus | undefined
  #isStopping = false

  private constructor(spec: ProcessSpec, child: ChildProcess, pid: number) {
    this.name = spec.name
    this.logFile = spec.logFile
    this.pid = pid
    this.#spec = spec
    this.ended = new Promise(resolve => {
      child.once('exit', (code, signal) => {
        endWithParent.delete(this)
        this.#exit = { code, signal }
        resolve(this.#exit)
      })
    })
    if (spec.outlivesParent === true) child.unref()
    else endWithParent.add(this)
  }

  /** @throws StackError STACK_PROCESS_ENDED when the command cannot be started. */
  static async spawn(spec: ProcessSpec): Promise<ManagedProcess> {
    mkdirSync(dirname(spec.logFile), { recursive: true })
    const log = openSync(spec.logFile, 'a')
    try {
      const [command, args] = withParentDeathSignal(spec)
      const child = spawn(command, args, {
        detached: true,
        stdio: ['ignore', log, log],
        env: mergedEnvironment(spec.env),
        cwd: spec.cwd,
        ...spec.user,
      })
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve)
        child.once('error', cause => {
          reject(
            new StackError('STACK_PROCESS_ENDED', `${spec.name} could not be started: ${cause.message}.`, {
              cause,
            }),
          )
        })
      })
      return new ManagedProcess(spec, child, child.pid!)
    } finally {
      closeSync(log)
    }
  }

  get exit(): ExitStatus | undefined {
    return this.#exit
  }

  /** Undefined when it has ended. */
  get record(): ProcessRecord | undefined {
    const startTime = startTimeOf(this.pid)
    if (startTime === undefined) return undefined
    return { name: this.name, pid: this.pid, startTime, stopSignal: this.#spec.stopSignal ?? 'SIGTERM' }
  }

  /** @throws StackError STACK_PROCESS_ENDED, STACK_NOT_READY, or STACK_STOPPED when it was stopped meanwhile. */
  async ready(): Promise<void> {
    const { readyWhen, readyDeadlineMs = READY_DEADLINE_MS } = this.#spec
    if (readyWhen === undefined) return
    const deadline = AbortSignal.timeout(readyDeadlineMs)
    for (;;) {
      const isReady = await readyWhen(deadline).catch(() => false)
      if (this.#isStopping) throw new StackError('STACK_STOPPED', `${this.name} was stopped while starting.`)
      if (this.#exit !== undefined) {
        throw new StackError(
          'STACK_PROCESS_ENDED',
          `${this.name} ended ${exitText(this.#exit)} before it was ready: read ${this.logFile} for the reason.`,
        )
      }
      if (isReady) return
      if (deadline.aborted) {
        throw new StackError(
          'STACK_NOT_READY',
          `${this.name} was not ready within ${readyDeadlineMs / 1_000} s: read ${this.logFile} for the reason.`,
        )
      }
      await Promise.race([sleep(POLL_MS), this.ended])
    }
  }

  /** Resolves when the process and its group are gone; kills them if asking does not help in time. */
  async stop(deadlineMs: number = STOP_DEADLINE_MS): Promise<void> {
    this.#isStopping = true
    // A pid is only signalled while its process is known to be there: later it may be somebody else's.
    if (this.#exit !== undefined) return
    await terminate(this.pid, this.#spec.stopSignal ?? 'SIGTERM', deadlineMs)
    // The process may be gone a moment before its exit is told.
    await this.ended
  }

  killNow(): void {
    if (this.#exit === undefined) signalGroup(this.pid, this.#spec.deathSignal ?? 'SIGKILL')
  }
}

export function exitText(exit: ExitStatus): string {
  return exit.signal === null ? `with exit code ${exit.code}` : `by ${exit.signal}`
}

/** A value of undefined takes the variable away: spawn itself would pass the text "undefined" on. */
function mergedEnvironment(env: ProcessSpec['env']): NodeJS.ProcessEnv {
  const merged = { ...process.env, ...env }
  for (const [name, value] of Object.entries(merged)) if (value === undefined) delete merged[name]
  return merged
}

let hasParentDeathSignal: boolean | undefined

/**
 * On Linux the kernel itself ends the child when the parent dies, even by SIGKILL, when no listener runs any more:
 * util-linux's setpriv asks for that and then becomes the command, so the pid stays the same.
 */
function withParentDeathSignal(spec: ProcessSpec): [string, string[]] {
  const args = [...(spec.args ?? [])]
  if (spec.outlivesParent === true || process.platform !== 'linux') return [spec.command, args]
  hasParentDeathSignal ??= spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true']).status === 0
  if (!hasParentDeathSignal) return [spec.command, args]
  const signal = (spec.deathSignal ?? 'SIGKILL').replace(/^SIG/, '')
  return ['setpriv', ['--pdeathsig', signal, spec.command, ...args]]
}
