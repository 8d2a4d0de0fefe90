import { ManagedProcess, type ExitStatus, type ProcessSpec } from './managed-process.ts'
import { StackError } from './stack-error.ts'

/**
 * Processes that are stopped together. What they stand on (another group, a folder) is given to `defer` and goes
 * after them, the last one first.
 *
 * @example
 * const services = new ProcessGroup()
 * stopOnSignals(() => services.stop())
 * const stack = await startStack({ group: services, ports: 'usual', directory })
 * await services.start({ name: 'braze-sink', command: 'node', args: ['src/main.ts'], logFile })
 * await services.stop()
 */
export class ProcessGroup {
  readonly #processes: ManagedProcess[] = []
  readonly #deferred: (() => Promise<void>)[] = []
  #stopped: Promise<void> | undefined

  get processes(): readonly ManagedProcess[] {
    return this.#processes
  }

  get isStopping(): boolean {
    return this.#stopped !== undefined
  }

  /** Resolves when `readyWhen` holds. A process that does not get ready stays in the group until it is stopped. */
  async start(spec: ProcessSpec): Promise<ManagedProcess> {
    const child = await this.launch(spec)
    await child.ready()
    return child
  }

  /** Runs a process to its end. */
  async run(spec: ProcessSpec): Promise<ExitStatus> {
    const child = await this.launch(spec)
    const exit = await child.ended
    this.#refuseWhenStopping(spec)
    return exit
  }

  /** Resolves when the process is there, ready or not. */
  async launch(spec: ProcessSpec): Promise<ManagedProcess> {
    this.#refuseWhenStopping(spec)
    const child = await ManagedProcess.spawn(spec)
    this.#processes.push(child)
    // stop() may have gone through the list while the process was being spawned.
    if (this.isStopping) await child.stop()
    this.#refuseWhenStopping(spec)
    return child
  }

  #refuseWhenStopping(spec: ProcessSpec): void {
    if (this.isStopping) throw new StackError('STACK_STOPPED', `${spec.name} was stopped while starting.`)
  }

  /** `cleanup` runs after the group's processes have ended. */
  defer(cleanup: () => Promise<void>): void {
    this.#deferred.push(cleanup)
  }

  /** Tries every step, whatever becomes of the others. Calling it again waits for the same end. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll()
    return this.#stopped
  }

  async #stopAll(): Promise<void> {
    const errors: unknown[] = []
    const collect = (error: unknown): void => {
      errors.push(error)
    }
    await Promise.all(this.#processes.map(child => child.stop().catch(collect)))
    for (const cleanup of this.#deferred.toReversed()) await cleanup().catch(collect)
    if (errors.length > 0) throw new AggregateError(errors, 'Not everything could be stopped.')
  }
}
