import { systemClock, type Clock } from '@tributary/topology'
import type { WatchedInstance } from '../config.ts'
import type { History, Snapshot } from '../snapshot.ts'
import { applicationViews } from './application-view.ts'
import { CounterWindow } from './counter-window.ts'
import { graphViews } from './graph-view.ts'
import { HistoryRing } from './history-ring.ts'
import { failureText, probeInstance, type Fetch } from './instance-probe.ts'
import { applicationOf, instanceView, type Observation } from './instance-view.ts'
import { problemsOf } from './problems.ts'
import { sinkViews } from './sink-view.ts'
import { tableViews } from './table-view.ts'

export interface WatcherOptions {
  readonly instances: readonly WatchedInstance[]
  readonly lagWarningMs: number
  readonly deadLetterTopics: readonly string[] | undefined
  readonly isReplayAllowed: boolean
  readonly clock?: Clock
  readonly fetch?: Fetch
}

const EVERY_MS = 1_000
const TIMEOUT_MS = 3_000
const WINDOW_MS = 60_000

/** Asks every instance once a second, each by itself: one that does not answer holds up no other. */
export class Watcher {
  readonly #options: WatcherOptions
  readonly #clock: Clock
  readonly #fetch: Fetch
  readonly #observed: Map<string, Observation>
  readonly #listeners = new Set<(snapshot: Snapshot) => void>()
  readonly #cancels = new Map<string, () => void>()
  readonly #history = new HistoryRing()
  #isStopped = false

  constructor(options: WatcherOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#fetch = options.fetch ?? fetch
    this.#observed = new Map(
      options.instances.map(({ name }) => [
        name,
        {
          name,
          answer: undefined,
          seenAtMs: undefined,
          failure: undefined,
          window: new CounterWindow(WINDOW_MS),
        },
      ]),
    )
  }

  start(): void {
    for (const instance of this.#options.instances) void this.#ask(instance)
    this.#again('', () => this.#tell())
  }

  stop(): void {
    this.#isStopped = true
    for (const cancel of this.#cancels.values()) cancel()
    this.#listeners.clear()
  }

  /** Called back once a second until the function that it returns is called. */
  onSnapshot(listener: (snapshot: Snapshot) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  snapshot(): Snapshot {
    const nowMs = this.#clock.now()
    const watched = [...this.#observed.values()].map(seen => ({ seen, view: instanceView(seen) }))
    return {
      atMs: nowMs,
      problems: problemsOf(watched, { nowMs, lagWarningMs: this.#options.lagWarningMs }),
      applications: applicationViews(watched),
      instances: watched.map(({ view }) => view),
      tables: tableViews(watched),
      sinks: sinkViews(watched),
      graphs: graphViews(watched, this.#options.lagWarningMs),
      deadLetterTopics: this.deadLetterTopics(),
      isReplayAllowed: this.#options.isReplayAllowed,
    }
  }

  /** Those that were configured, or else each application's own. */
  deadLetterTopics(): readonly string[] {
    const applications = [...this.#observed.values()].flatMap(({ answer }) =>
      answer === undefined ? [] : (applicationOf(answer.scrape) ?? []),
    )
    return (
      this.#options.deadLetterTopics ??
      [...new Set(applications)].map(application => `${application}-dead-letters`)
    )
  }

  /** The topics whose keys may be looked up: those of tables. */
  tableTopics(): readonly string[] {
    return [...new Set(this.snapshot().tables.map(({ topic }) => topic))]
  }

  history(): History {
    return this.#history.all()
  }

  async #ask(instance: WatchedInstance): Promise<void> {
    const before = this.#observed.get(instance.name) as Observation
    try {
      const answer = await probeInstance(instance.url, {
        fetch: this.#fetch,
        timeoutMs: TIMEOUT_MS,
        // The same as long as the process is the same.
        outline: before.failure === undefined ? before.answer?.outline : undefined,
      })
      const seenAtMs = this.#clock.now()
      before.window.push(seenAtMs, answer.scrape)
      this.#observed.set(instance.name, { ...before, answer, seenAtMs, failure: undefined })
    } catch (error) {
      this.#observed.set(instance.name, { ...before, failure: failureText(error) })
    }
    this.#again(instance.name, () => void this.#ask(instance))
  }

  #tell(): void {
    const snapshot = this.snapshot()
    this.#history.add(snapshot)
    for (const listener of this.#listeners) listener(snapshot)
    this.#again('', () => this.#tell())
  }

  #again(key: string, act: () => void): void {
    if (!this.#isStopped) this.#cancels.set(key, this.#clock.schedule(EVERY_MS, act))
  }
}
