import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { serviceProcess } from '../demo/services/service-processes.ts'
import { exitText, type ManagedProcess } from '../stack/managed-process.ts'
import { freePort } from '../stack/ports.ts'
import { signalGroup } from '../stack/process-identity.ts'
import type { ProcessGroup } from '../stack/process-group.ts'

export interface FleetOptions {
  readonly group: ProcessGroup
  readonly logDirectory: string
  readonly env: Readonly<Record<string, string>>
  readonly onEvent: (text: string) => void
}

interface Instance {
  readonly slot: number
  readonly process: ManagedProcess
  readonly url: string
  isFrozen: boolean
  /** Whether it has said that it is ready. */
  hasBeenReady: boolean
  /** Whether its end is what somebody here asked for. */
  isEnding: boolean
}

const SERVICE = 'marketing-events'
const RESTART_AFTER_MS = 500
const STOP_DEADLINE_MS = 40_000
const READY_DEADLINE_MS = 60_000

/** The processes of the service, in numbered slots. One that ends by itself is started again, and told of in the end. */
export class Fleet {
  readonly #options: FleetOptions
  readonly #slots = new Map<number, Instance>()
  /** Sentences: processes that ended although nobody asked them to, or not as they should. */
  readonly complaints: string[] = []
  /** Processes that could not start, because something that they need was away, and said so. */
  failedStarts = 0
  #peakRssKiB = 0
  #isClosing = false

  constructor(options: FleetOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#slots.size
  }

  get peakRssMiB(): number {
    return Math.round(this.#peakRssKiB / 1_024)
  }

  /** Slots whose process runs and is not frozen. */
  get slots(): readonly number[] {
    return [...this.#slots.values()].filter(({ isFrozen }) => !isFrozen).map(({ slot }) => slot)
  }

  async start(slot: number): Promise<void> {
    const { group, logDirectory, env } = this.#options
    const port = await freePort()
    const child = await group.launch(
      serviceProcess({
        service: SERVICE,
        name: `${SERVICE}-${slot}`,
        // Every second slot is a static member, whose restart within the session timeout moves no partition.
        env: slot % 2 === 0 ? { ...env, INSTANCE_ID: `chaos-${slot}` } : env,
        port,
        logFile: join(logDirectory, `${SERVICE}-${slot}.log`),
      }),
    )
    const instance = {
      slot,
      process: child,
      url: `http://127.0.0.1:${port}`,
      isFrozen: false,
      hasBeenReady: false,
      isEnding: false,
    }
    this.#slots.set(slot, instance)
    void this.#supervise(instance)
    void this.#noteReady(instance)
  }

  /** Whoever has been started in the slot by then. Rejects when it takes too long. */
  async ready(slot: number): Promise<void> {
    const deadline = performance.now() + READY_DEADLINE_MS
    while (this.#slots.get(slot)?.hasBeenReady !== true) {
      if (performance.now() > deadline) {
        throw new Error(`${SERVICE}-${slot} was not ready within ${READY_DEADLINE_MS / 1_000} s`)
      }
      await sleep(100)
    }
  }

  async kill(slot: number): Promise<void> {
    const instance = this.#slots.get(slot)!
    instance.isEnding = true
    this.#noteRss(instance)
    instance.process.killNow()
    await instance.process.ended
  }

  freeze(slot: number): void {
    const instance = this.#slots.get(slot)!
    instance.isFrozen = true
    signalGroup(instance.process.pid, 'SIGSTOP')
  }

  thaw(slot: number): void {
    const instance = this.#slots.get(slot)!
    instance.isFrozen = false
    signalGroup(instance.process.pid, 'SIGCONT')
  }

  /** By SIGTERM. It has to drain and leave in time, with exit code 0. */
  async stop(slot: number): Promise<void> {
    const instance = this.#slots.get(slot)!
    this.#noteRss(instance)
    instance.isEnding = true
    const startedAt = performance.now()
    await instance.process.stop(STOP_DEADLINE_MS)
    const exit = await instance.process.ended
    this.#slots.delete(slot)
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
    if (exit.code !== 0) {
      this.#complain(`${SERVICE}-${slot} was told to stop and ended ${exitText(exit)} after ${seconds} s`)
    }
  }

  noteRss(): void {
    for (const instance of this.#slots.values()) this.#noteRss(instance)
  }

  close(): void {
    this.#isClosing = true
    for (const { slot, isFrozen } of this.#slots.values()) if (isFrozen) this.thaw(slot)
  }

  async #supervise(instance: Instance): Promise<void> {
    const exit = await instance.process.ended
    if (instance.isEnding || this.#isClosing || this.#options.group.isStopping) return
    const what = `${SERVICE}-${instance.slot} ended by itself ${exitText(exit)}`
    if (instance.hasBeenReady || exit.code !== 1) this.#complain(what)
    else {
      this.failedStarts += 1
      this.#options.onEvent(`${what} before it was ready`)
    }
    await sleep(RESTART_AFTER_MS)
    if (this.#slots.get(instance.slot) !== instance || this.#options.group.isStopping) return
    await this.start(instance.slot)
  }

  async #noteReady(instance: Instance): Promise<void> {
    await instance.process.ready().then(
      () => (instance.hasBeenReady = true),
      () => undefined,
    )
  }

  #complain(text: string): void {
    this.complaints.push(text)
    this.#options.onEvent(text)
  }

  /** Linux keeps the most that a process has had in memory; elsewhere nothing is known. */
  #noteRss({ process: { pid } }: Instance): void {
    try {
      const found = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
      this.#peakRssKiB = Math.max(this.#peakRssKiB, Number(found?.[1] ?? 0))
    } catch {
      // It has ended.
    }
  }
}
