import type { DeliveryCall, DeliveryItem } from '@tributary/topology'
import { TestClock } from '@tributary/topology/testing'
import { TrackDestination, type Sender } from '../src/destination.ts'
import { composeRequest } from '../src/encoding.ts'
import { BrazeError } from '../src/errors.ts'
import type { BrazeMemory } from '../src/memory.ts'
import { brazeLaneKey, type BrazeObject } from '../src/objects.ts'
import { resolveOptions, type BrazeDestinationOptions } from '../src/options.ts'
import type { Refusal, Sendable, SenderStats, Settle } from '../src/track-sender.ts'
import { NaiveBraze, type Entry } from './naive-braze.ts'

/** `lost`: the request arrives and its answer does not. */
export type Fate = 'arrives' | 'fails' | 'lost'

interface Request {
  readonly attributes?: readonly Entry[]
  readonly events?: readonly Entry[]
}

/** A sender that hands requests to the model of Braze in the same process, or loses them. */
export class ModelSender implements Sender {
  readonly problem = undefined
  readonly stats = {} as SenderStats
  readonly braze = new NaiveBraze()
  readonly requests: Request[] = []
  fates: Fate[] = []
  /** Refused without a change, whatever it is. */
  readonly refused = new Set<string>()

  send<E extends Sendable>(sendables: readonly E[], _call: DeliveryCall, settle: Settle<E>): Promise<void> {
    const { body, at } = composeRequest(sendables)
    const request = JSON.parse(body) as Request
    const fate = this.fates.shift() ?? 'arrives'
    if (fate === 'fails') return Promise.reject(unanswered())
    this.requests.push(request)
    const refusals = new Set<E>()
    for (const [array, entries] of Object.entries(request) as [string, readonly Entry[]][]) {
      for (const [index, entry] of entries.entries()) {
        if (this.refused.has(String(entry['external_id']))) refusals.add(at(array, index) as E)
        else if (array === 'attributes') this.braze.update(entry)
        else this.braze.record(entry)
      }
    }
    if (fate === 'lost') return Promise.reject(unanswered())
    for (const sendable of sendables) settle(sendable, refusals.has(sendable) ? REFUSAL : undefined)
    return Promise.resolve()
  }

  deleteUsers(externalIds: readonly string[]): Promise<ReadonlyMap<string, Refusal>> {
    const fate = this.fates.shift() ?? 'arrives'
    if (fate === 'fails') return Promise.reject(unanswered())
    for (const id of externalIds) this.braze.delete(id)
    return fate === 'lost' ? Promise.reject(unanswered()) : Promise.resolve(new Map())
  }

  onAssignment(): void {}

  whenReady(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

const REFUSAL: Refusal = { reason: 'refused', status: 201 }

function unanswered(): BrazeError {
  return new BrazeError('BRAZE_TIMED_OUT', 'no answer', { retry: { kind: 'backoff' } })
}

export interface World {
  readonly sender: ModelSender
  readonly destination: TrackDestination
  readonly clock: TestClock
}

export function createWorld(options: Partial<BrazeDestinationOptions> = {}): World {
  const sender = new ModelSender()
  const clock = new TestClock()
  const resolved = resolveOptions({ url: 'http://braze.test', apiKey: 'key', clock, ...options })
  return { sender, clock, destination: new TrackDestination(resolved, () => sender) }
}

export type Item = DeliveryItem<BrazeObject, BrazeMemory>

/** An item as the step hands it over; `memories` undefined: the step remembers nothing. */
export function itemOf(
  value: BrazeObject,
  offset: number,
  memories: ReadonlyMap<string, BrazeMemory> | undefined,
  attempts = 0,
): Item {
  const context = { topic: 't', partition: 0, offset, timestampMs: 0, headers: [] }
  const item = { key: null, value, context, attempts }
  return memories === undefined ? item : { ...item, memory: memories.get(brazeLaneKey(value)) }
}

export const CALL: DeliveryCall = { signal: new AbortController().signal, isUrgent: true }
