import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  createSimulator,
  type Fault,
  type Simulator,
  type SimulatorOptions,
  type StateAnswer,
} from '@tributary/braze-simulator'
import { toBraze } from '@tributary/braze-sink'
import { marketingEvents, type MarketingEvent } from '@tributary/marketing-events'
import type { BrazeDestinationOptions, BrazeObject, BrazeStats } from '@tributary/sink-braze'
import { createApp, type AppConfig, type Codec, type Readiness } from '@tributary/topology'
import { InMemorySchemaRegistry, TestClock } from '@tributary/topology/testing'
import { createFakeClient, type FakeClient } from '../../../packages/topology/src/testing/fake-client.ts'
import { randomNumbers } from '../../../services/braze-simulator/src/state/late-applying.ts'
import { DrillError } from '../drill-error.ts'
import { EVENTS_BEGIN } from './events.ts'
import { Exchanges } from './exchanges.ts'
import type { Fields, Input, LetterPicture, Picture } from './picture.ts'
import { brazeObjects, createSink, GROUP, type InputKind, type Sink } from './sink.ts'

export interface WorldOptions {
  /** Default: the service's marketing events. */
  readonly input?: InputKind
  /** Default 6. */
  readonly partitions?: number
  readonly simulator?: Partial<SimulatorOptions>
  readonly braze?: Partial<BrazeDestinationOptions>
  readonly app?: Partial<AppConfig>
  readonly lingerMs?: number
  /** Default 4. */
  readonly maxInFlight?: number
  /** Of everything that is left to chance. Default 1. */
  readonly seed?: number
  /** Where the world's clock begins. Default: an hour after the events. */
  readonly startMs?: number
}

/** One process that runs the sink. */
export interface Replica {
  readonly sink: Sink
  readonly stats: BrazeStats
  readiness(): Readiness
  /** As by SIGTERM. */
  stop(): Promise<void>
}

export const API_KEY = 'drill-key'
/** Requests that take no time cannot be seen to overlap. */
const LATENCY_MS = 5
const CALM_TURNS = 3
const STUCK_AFTER_MS = 10_000
/** Of the world's time: far more than any scenario lasts. */
const FINISHED_WITHIN_MS = 3 * 3_600_000

/**
 * Kafka in memory, a clock that only goes on when nothing else can, and between them the real sink, which speaks HTTP with
 * the real simulator. Ten minutes pass in a moment, and what happens is the same each time.
 */
export class World {
  readonly clock: TestClock
  readonly kafka: FakeClient
  readonly simulator: Simulator
  readonly inputs: Input[] = []
  readonly #random: () => number
  readonly #options: WorldOptions
  readonly #exchanges = new Exchanges()
  readonly #registry = new InMemorySchemaRegistry()
  readonly #replicas = new Set<Replica>()
  #sleeping = 0
  #url = ''
  #key: Codec<unknown> | undefined
  #value: Codec<unknown> | undefined
  #failure: Error | undefined

  private constructor(options: WorldOptions) {
    const { partitions = 6, startMs = EVENTS_BEGIN + 3_600_000, seed = 1 } = options
    this.#options = options
    this.#random = randomNumbers(seed)
    this.clock = new TestClock(startMs)
    this.kafka = createFakeClient({ topics: [{ name: this.topic.name, partitions }] })
    this.simulator = createSimulator(
      { apiKey: API_KEY, latencyMs: LATENCY_MS, keepRequests: 100_000, seed, ...options.simulator },
      { clock: { now: () => Math.floor(this.clock.now()), sleep: (ms, signal) => this.#sleep(ms, signal) } },
    )
  }

  static async open(options: WorldOptions = {}): Promise<World> {
    const world = new World(options)
    world.#url = await world.simulator.app.listen({ port: 0, host: '127.0.0.1' })
    const uses = { read: false, write: true }
    const { name: topic, key, value } = world.topic
    world.#key = await key.open({ topic, part: 'key', uses, registry: world.#registry })
    world.#value = await value.open({ topic, part: 'value', uses, registry: world.#registry })
    return world
  }

  get topic(): typeof marketingEvents | typeof brazeObjects {
    return this.#options.input === 'objects' ? brazeObjects : marketingEvents
  }

  get partitions(): number {
    return this.#options.partitions ?? 6
  }

  /** Records of the topic, in their order. */
  put(...events: readonly MarketingEvent[]): void {
    for (const event of events) this.#put(event.value.customerId, event, toBraze(event))
  }

  putObjects(user: string, ...objects: readonly BrazeObject[]): void {
    this.#put(user, objects, objects)
  }

  /** The user's records count as neither there nor lost: that Braze has dropped them in silence is known. */
  forget(user: string): void {
    for (const [at, input] of this.inputs.entries()) {
      if (input.user === user) this.inputs[at] = { ...input, objects: [] }
    }
  }

  putTombstone(user: string): void {
    this.#put(user, null, undefined)
  }

  /** Starts one more process. */
  async start(braze: Partial<BrazeDestinationOptions> = {}): Promise<Replica> {
    const { clock, kafka } = this
    const { lingerMs = 200, maxInFlight = 4, input = 'marketing-events', app: appOptions } = this.#options
    const sink = createSink({
      input,
      lingerMs,
      maxInFlight,
      braze: {
        url: this.#url,
        apiKey: API_KEY,
        clock,
        random: this.#random,
        ...this.#options.braze,
        ...braze,
      },
    })
    const app = createApp(sink.topology, {
      kafka: kafka.anotherClient(),
      registry: this.#registry,
      clock,
      random: this.#random,
      partitionSamples: 0,
      // The Kafka in memory answers a poll that finds nothing once, and hours of the test clock pass after that.
      brokerSilenceMs: 2 ** 31 - 1,
      ...appOptions,
    })
    app.ended.catch((error: unknown) => {
      this.#failure ??= error as Error
    })
    const replica: Replica = {
      sink,
      get stats() {
        return sink.destination.stats
      },
      readiness: () => app.readiness(),
      stop: async () => {
        this.#replicas.delete(replica)
        await this.during(app.close())
      },
    }
    this.#replicas.add(replica)
    await this.during(app.start())
    return replica
  }

  async fault(fault: Fault): Promise<void> {
    await this.#control('/_simulator/faults', fault)
  }

  async options(options: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#control('/_simulator/options', options)
  }

  async clearFaults(): Promise<void> {
    await this.simulator.app.inject({ method: 'DELETE', url: '/_simulator/faults' })
  }

  async state(): Promise<StateAnswer> {
    return (await this.simulator.app.inject('/_simulator/state')).json<StateAnswer>()
  }

  /** Lets time pass, everything that is due on the way included. */
  async pass(ms: number): Promise<void> {
    let isOver = false
    this.clock.schedule(ms, () => {
      isOver = true
    })
    while (!isOver) await this.#step()
  }

  /** Lets time pass until it is so. */
  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = this.clock.now() + FINISHED_WITHIN_MS
    await this.quiet()
    while (!(await condition())) {
      if (this.clock.now() > deadline) throw new DrillError('DRILL_STUCK', `Waited in vain until ${what}`)
      await this.#step()
    }
  }

  /** Lets time pass until every record is committed and applied. */
  async finish(): Promise<void> {
    await this.until('every record is committed', () => this.isCommitted && this.simulator.applying === 0)
  }

  /** Lets time pass until the work is done. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isOver = false
    const over = work.finally(() => {
      isOver = true
    })
    over.catch(() => undefined)
    await this.until('the work is done', () => isOver)
    return await over
  }

  /** Nothing can happen any more before time passes. */
  async quiet(): Promise<void> {
    const deadline = performance.now() + STUCK_AFTER_MS
    for (let calm = 0; calm < CALM_TURNS;) {
      await nextTurn()
      if (this.#failure !== undefined) throw this.#failure
      calm = this.#exchanges.underWay <= this.#sleeping - this.simulator.applying ? calm + 1 : 0
      if (performance.now() > deadline)
        throw new DrillError('DRILL_STUCK', 'A request to the simulator does not end')
    }
  }

  get committed(): readonly number[] {
    return this.#partitionNumbers().map(
      partition => this.kafka.committed(GROUP, this.topic.name, partition) ?? 0,
    )
  }

  get ends(): readonly number[] {
    return this.#partitionNumbers().map(partition => this.kafka.endOffset(this.topic.name, partition))
  }

  get isCommitted(): boolean {
    const { ends } = this
    return this.committed.every((offset, partition) => offset === ends[partition])
  }

  /** What Braze has of every user that it knows. */
  picture(): Picture {
    const { state } = this.simulator
    const users = [...new Set(this.inputs.map(({ user }) => user))]
    return Object.fromEntries(
      users.flatMap(user => {
        const record = state.user(user)
        if (record === undefined) return []
        const { attributes, events, purchases } = record
        return [[user, { attributes, events: events.map(asSent), purchases: purchases.map(asSent) }]]
      }),
    )
  }

  letters(): LetterPicture[] {
    if (this.#letterPartitions() === 0) return []
    return this.kafka.records(`${GROUP}-dead-letters`).map(({ headers }) => {
      const text = (name: string): string => String(headers.findLast(([key]) => key === name)?.[1] ?? '')
      return {
        of: `${text('__streams.errors.partition')}@${text('__streams.errors.offset')}`,
        says: text('__streams.errors.message'),
      }
    })
  }

  async close(): Promise<void> {
    try {
      for (const replica of this.#replicas) await replica.stop()
    } finally {
      this.#exchanges.close()
      await this.simulator.close()
    }
  }

  #put(user: string, value: unknown, objects: readonly BrazeObject[] | undefined): void {
    const key = Buffer.from(this.#key!.encode(user))
    const encoded = value === null ? null : Buffer.from(this.#value!.encode(value))
    const timestampMs = Math.floor(this.clock.now())
    const place = this.kafka.put(this.topic.name, { key, value: encoded, timestampMs })
    this.inputs.push({ ...place, user, objects })
  }

  async #step(): Promise<void> {
    if (!(await this.clock.step())) throw new DrillError('DRILL_STUCK', 'Nothing is waiting for anything')
    await this.quiet()
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    this.#sleeping += 1
    try {
      await this.clock.sleep(ms, { signal })
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      this.#sleeping -= 1
    }
  }

  async #control(url: string, payload: object): Promise<void> {
    const answer = await this.simulator.app.inject({ method: 'POST', url, payload })
    if (answer.statusCode >= 400) throw new DrillError('DRILL_GROUND', `${url}: ${answer.payload}`)
  }

  #partitionNumbers(): number[] {
    return Array.from({ length: this.partitions }, (_, partition) => partition)
  }

  #letterPartitions(): number {
    try {
      return this.kafka.records(`${GROUP}-dead-letters`).length
    } catch {
      return 0
    }
  }
}

const ADDED = ['external_id', 'request', 'index', 'received_at']

/** An event or a purchase without what the simulator says about it. */
function asSent(record: object): Fields {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !ADDED.includes(name)))
}
