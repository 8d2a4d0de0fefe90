import type { DeliveryCall, RecordContext } from '@tributary/topology'
import { TrackDestination, type BrazeDestination, type Sender } from './destination.ts'
import { composeRequest, type ArrayName } from './encoding.ts'
import { resolveOptions, type BrazeDestinationOptions, type ResolvedOptions } from './options.ts'
import type { LimiterStats } from './rate-limiter.ts'
import type { Sending } from './rounds.ts'
import type { BrazeItem } from './shaper.ts'
import type { Refusal, SenderStats, Sendable, Settle } from './track-sender.ts'

/** A request as it would be sent. */
export interface ComposedRequest {
  readonly endpoint: string
  /** JSON. */
  readonly body: string
  /** Of the body, as UTF-8. */
  readonly bytes: number
  readonly objects: number
  /** For every object, by its array and its place in it: the records that it was made of. */
  readonly records: Readonly<Record<string, readonly (readonly RecordContext[])[]>>
}

/** The request counts as answered when the promise resolves: who takes requests slowly gets no more than they take. */
export type OnRequest = (request: ComposedRequest) => void | Promise<void>

export type DryRunOptions = Omit<BrazeDestinationOptions, 'apiKey'>

/**
 * A destination that puts requests together as `brazeDestination` does and hands them to `onRequest`. Every object counts
 * as accepted. No limit holds anything back, and there is no key.
 *
 * @throws BrazeError BRAZE_OPTION_INVALID
 */
export function brazeDryRun(options: DryRunOptions, onRequest: OnRequest): BrazeDestination {
  return new DryRunDestination(resolveOptions({ ...options, apiKey: 'none' }), onRequest)
}

class DryRunDestination extends TrackDestination {
  readonly #sender: DryRunSender

  constructor(options: ResolvedOptions, onRequest: OnRequest) {
    const sender = new DryRunSender(options, onRequest)
    super(options, () => sender)
    this.#sender = sender
  }

  override deliver(items: readonly BrazeItem[], call: DeliveryCall): ReturnType<TrackDestination['deliver']> {
    this.#sender.begin(call, items)
    return super.deliver(items, call)
  }
}

/** There is no limit, and nothing has been sent. */
const IDLE: LimiterStats = {
  used: 0,
  quota: 0,
  share: 1,
  hour: undefined,
  waiting: 0,
  heldMs: 0,
  rateLimited: 0,
  pauses: 0,
  waits: 0,
  waitedMs: 0,
  reported: undefined,
  isSlow: false,
  oldestInFlightMs: 0,
}

class DryRunSender implements Sender {
  readonly problem = undefined
  readonly stats: SenderStats = {
    limiter: IDLE,
    deletes: { answers: {}, limiter: IDLE },
    problem: undefined,
    latestErrors: [],
  }
  readonly #url: string
  readonly #onRequest: OnRequest
  readonly #items = new WeakMap<DeliveryCall, readonly BrazeItem[]>()

  constructor({ url }: ResolvedOptions, onRequest: OnRequest) {
    this.#url = url.href.replace(/\/*$/, '')
    this.#onRequest = onRequest
  }

  begin(call: DeliveryCall, items: readonly BrazeItem[]): void {
    this.#items.set(call, items)
  }

  onAssignment(): void {}

  whenReady(): Promise<void> {
    return Promise.resolve()
  }

  async send<E extends Sendable>(
    sendables: readonly E[],
    call: DeliveryCall,
    settle: Settle<E>,
  ): Promise<void> {
    const { body } = composeRequest(sendables)
    const records: Partial<Record<ArrayName, RecordContext[][]>> = {}
    for (const name of ['attributes', 'events', 'purchases'] as const) {
      const ofArray = sendables.filter(({ encoded }) => encoded.array === name)
      // The destination is the only one that sends: what it hands over are these.
      const sendings = ofArray as unknown as readonly Sending[]
      if (ofArray.length > 0) records[name] = sendings.map(sending => this.#recordsOf(sending, call))
    }
    await this.#emit('/users/track', body, { objects: sendables.length, records })
    for (const sendable of sendables) settle(sendable, undefined)
  }

  async deleteUsers(
    externalIds: readonly string[],
    call: DeliveryCall,
  ): Promise<ReadonlyMap<string, Refusal>> {
    const items = this.#items.get(call) ?? []
    const records = externalIds.map(id =>
      items
        .filter(({ value }) => value.kind === 'tombstone' && value.object.external_id === id)
        .map(({ context }) => context),
    )
    const body = JSON.stringify({ external_ids: externalIds })
    const parts = { objects: externalIds.length, records: { external_ids: records } }
    await this.#emit('/users/delete', body, parts)
    return new Map()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #recordsOf({ indexes }: Sending, call: DeliveryCall): RecordContext[] {
    const items = this.#items.get(call) ?? []
    return indexes.flatMap(index => items[index]?.context ?? [])
  }

  async #emit(
    path: string,
    body: string,
    parts: Pick<ComposedRequest, 'objects' | 'records'>,
  ): Promise<void> {
    await this.#onRequest({ endpoint: this.#url + path, body, bytes: Buffer.byteLength(body), ...parts })
  }
}
