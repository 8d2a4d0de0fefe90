import { setTimeout as sleep } from 'node:timers/promises'
import { customerEvents } from '@tributary/marketing-events'
import { Random } from '../demo/data/random.ts'
import { PARTITIONS } from '../demo/kafka/topics.ts'
import type { KafkaNode } from '../stack/kafka-cluster.ts'
import type { ActivitiesStandIn } from './activities-stand-in.ts'
import type { FaultProxy } from './fault-proxy.ts'
import type { Fleet } from './fleet.ts'
import type { CommitWatch } from './watch.ts'

/** Faults of processes, brokers and the network between them; one at a time. */
export const SYSTEM_FAULTS = [
  'kill',
  'brokerKill',
  'scaleOut',
  'freeze',
  'reset',
  'silence',
  'scaleIn',
  'latency',
  'halfOpen',
] as const
/** Faults of what the service asks; one at a time, beside the others. */
export const DEPENDENCY_FAULTS = ['apiOutage', 'apiSlow', 'apiErrors', 'registryDown'] as const

export type SystemFault = (typeof SYSTEM_FAULTS)[number]
export type DependencyFault = (typeof DEPENDENCY_FAULTS)[number]
export type FaultKind = SystemFault | DependencyFault

/** A fault that has been. Times are milliseconds since the epoch. */
export interface Fault {
  readonly kind: FaultKind
  readonly what: string
  readonly beganAt: number
  readonly endedAt: number
}

export interface Targets {
  readonly fleet: Fleet
  readonly nodes: readonly KafkaNode[]
  /** The ones before the nodes, in their order. */
  readonly proxies: readonly FaultProxy[]
  readonly registryProxy: FaultProxy
  readonly api: ActivitiesStandIn
  readonly watch: CommitWatch
}

const MOST_INSTANCES = 3
const RESETS = 5
/** Who waits for an answer on a half-open connection gives up after the client's `requestTimeoutMs`: so long it lasts. */
const NOTICED_AFTER_MS = 10_000

/** Does the faults, each from its beginning to its end. */
export class FaultMaker {
  readonly #targets: Targets
  readonly #random: Random
  readonly #sessionTimeoutMs: number
  /** Rejects its waits when everything is to end. */
  readonly #signal: AbortSignal

  constructor(
    targets: Targets,
    options: { seed: number; lane: string; sessionTimeoutMs: number; signal: AbortSignal },
  ) {
    this.#targets = targets
    this.#random = new Random(options.seed, `chaos faults ${options.lane}`)
    this.#sessionTimeoutMs = options.sessionTimeoutMs
    this.#signal = options.signal
  }

  /** Every kind once, in an order of the seed's. */
  round<Kind extends FaultKind>(kinds: readonly Kind[]): readonly Kind[] {
    const left = [...kinds]
    return Array.from(kinds, () => left.splice(this.#random.between(0, left.length - 1), 1)[0]!)
  }

  pauseMs(): number {
    return this.#random.between(3_000, 7_000)
  }

  /** Whether there is anything for a fault to be done to. */
  canMake(kind: FaultKind): boolean {
    const { length } = this.#targets.fleet.slots
    if (kind === 'scaleOut') return length < MOST_INSTANCES
    return kind === 'scaleIn' ? length > 1 : true
  }

  async make(kind: FaultKind): Promise<Fault> {
    const beganAt = Date.now()
    const what = await this.#act(kind)
    return { kind, what, beganAt, endedAt: kind === 'halfOpen' ? beganAt + NOTICED_AFTER_MS : Date.now() }
  }

  #act(kind: FaultKind): Promise<string> {
    switch (kind) {
      case 'kill':
        return this.#kill()
      case 'freeze':
        return this.#freeze()
      case 'scaleOut':
        return this.#scaleOut()
      case 'scaleIn':
        return this.#scaleIn()
      case 'brokerKill':
        return this.#brokerKill()
      case 'latency':
        return this.#latency()
      case 'reset':
        return this.#reset()
      case 'silence':
        return this.#silence()
      case 'halfOpen':
        return this.#halfOpen()
      case 'apiOutage':
        return this.#api({ kind: 'outage' }, 'the API resets connections')
      case 'apiSlow':
        return this.#api({ kind: 'slow', ms: this.#random.between(500, 3_000) }, 'the API is slow')
      case 'apiErrors':
        return this.#api(
          { kind: 'errors', share: this.#random.pick([0.3, 0.7, 1]) },
          'the API answers errors',
        )
      case 'registryDown':
        return this.#registryDown()
    }
  }

  async #kill(): Promise<string> {
    const { fleet } = this.#targets
    const slot = this.#random.pick(fleet.slots)
    await fleet.kill(slot)
    const downMs = this.#random.pick([0, 0, 2_000])
    await this.#wait(downMs)
    await fleet.start(slot)
    return `kill -9 of instance ${slot}, started again after ${downMs} ms`
  }

  async #freeze(): Promise<string> {
    const { fleet } = this.#targets
    const slot = this.#random.pick(fleet.slots)
    const ms = this.#sessionTimeoutMs + this.#random.between(1_000, 4_000)
    fleet.freeze(slot)
    try {
      await this.#wait(ms)
    } finally {
      fleet.thaw(slot)
    }
    return `instance ${slot} stood still for ${ms} ms`
  }

  async #scaleOut(): Promise<string> {
    const { fleet } = this.#targets
    const slots = Array.from({ length: MOST_INSTANCES }, (_, index) => index + 1)
    const missing = slots.filter(slot => !fleet.slots.includes(slot))
    await Promise.all(missing.map(slot => fleet.start(slot)))
    await Promise.all(missing.map(slot => fleet.ready(slot)))
    return `instances ${missing.join(' and ')} started`
  }

  async #scaleIn(): Promise<string> {
    const { fleet } = this.#targets
    const kept = this.#random.pick(fleet.slots)
    const others = fleet.slots.filter(slot => slot !== kept)
    await Promise.all(others.map(slot => fleet.stop(slot)))
    return `instances ${others.join(' and ')} stopped, ${kept} stays`
  }

  async #brokerKill(): Promise<string> {
    const { nodes, watch } = this.#targets
    const partition = this.#random.between(0, PARTITIONS - 1)
    const leader = await watch.leaderOf(customerEvents.name, partition)
    const node = nodes.find(({ id }) => id === leader) ?? this.#random.pick(nodes)
    const ms = this.#random.between(6_000, 12_000)
    await node.kill()
    await this.#wait(ms)
    await node.start()
    return `kill -9 of broker ${node.id}, started again after ${ms} ms`
  }

  async #latency(): Promise<string> {
    const ms = this.#random.between(50, 700)
    const forMs = this.#random.between(5_000, 10_000)
    for (const proxy of this.#targets.proxies) proxy.setLatency(ms)
    try {
      await this.#wait(forMs)
    } finally {
      for (const proxy of this.#targets.proxies) proxy.setLatency(0)
    }
    return `${ms} ms of latency for ${forMs} ms`
  }

  async #reset(): Promise<string> {
    for (let count = 0; count < RESETS; count += 1) {
      for (const proxy of this.#somePart()) proxy.resetAll()
      await this.#wait(this.#random.between(200, 1_500))
    }
    return `${RESETS} times connections were reset`
  }

  async #silence(): Promise<string> {
    const proxies = this.#somePart()
    const ms = this.#random.pick([4_000, this.#sessionTimeoutMs + 3_000])
    for (const proxy of proxies) proxy.setSilent(true)
    try {
      await this.#wait(ms)
    } finally {
      for (const proxy of proxies) proxy.setSilent(false)
    }
    return `not a byte to or from ${proxies.length} brokers for ${ms} ms`
  }

  async #halfOpen(): Promise<string> {
    const proxies = this.#somePart()
    for (const proxy of proxies) proxy.loseServerSide()
    await this.#wait(0)
    return `the connections to ${proxies.length} brokers were forgotten on the way`
  }

  async #registryDown(): Promise<string> {
    const { registryProxy } = this.#targets
    const ms = this.#random.between(5_000, 12_000)
    await registryProxy.refuse()
    try {
      await this.#wait(ms)
    } finally {
      await registryProxy.accept()
    }
    return `the registry was away for ${ms} ms`
  }

  async #api(fault: ActivitiesStandIn['fault'], what: string): Promise<string> {
    const ms = this.#random.between(6_000, 15_000)
    this.#targets.api.fault = fault
    try {
      await this.#wait(ms)
    } finally {
      this.#targets.api.fault = { kind: 'none' }
    }
    return `${what} for ${ms} ms`
  }

  /** One broker, or all of them. */
  #somePart(): readonly FaultProxy[] {
    const { proxies } = this.#targets
    return this.#random.chance(0.7) ? [this.#random.pick(proxies)] : proxies
  }

  async #wait(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#signal })
  }
}
