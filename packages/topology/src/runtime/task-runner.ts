import type { Task } from './task.ts'

/** How long one task may keep the event loop before heartbeats, acknowledgements and other tasks get their turn. */
const SLICE_MS = 5

/** Gives the tasks their turns, in the order in which they had something to do. */
export class TaskRunner {
  readonly #ready = new Set<Task>()
  readonly #onFailure: (error: Error) => void
  #isScheduled = false
  #isStopped = false

  constructor(onFailure: (error: Error) => void) {
    this.#onFailure = onFailure
  }

  ready(task: Task): void {
    this.#ready.add(task)
    if (this.#isScheduled || this.#isStopped) return
    this.#isScheduled = true
    setImmediate(() => this.#turn())
  }

  stop(): void {
    this.#isStopped = true
    this.#ready.clear()
  }

  #turn(): void {
    this.#isScheduled = false
    for (const task of this.#ready) {
      this.#ready.delete(task)
      try {
        if (task.process(SLICE_MS)) this.ready(task)
      } catch (error) {
        this.#onFailure(error as Error)
      }
      break
    }
    if (this.#ready.size === 0 || this.#isScheduled || this.#isStopped) return
    this.#isScheduled = true
    setImmediate(() => this.#turn())
  }
}
