import type { DeliveryItem, DeliveryOutcome, Destination } from '../../../src/operators/destination.ts'
import type { DeliverNode } from '../../../src/plan/node.ts'
import type { RecordContext } from '../../../src/record.ts'

export const ACCEPTED: DeliveryOutcome = { kind: 'accepted' }

export interface Call {
  readonly values: readonly unknown[]
  readonly attempts: readonly number[]
  readonly signal: AbortSignal
  answer(outcomes: readonly DeliveryOutcome[]): void
  acceptAll(): void
  fail(error: unknown): void
}

/** A destination whose calls wait for the test's answer. */
export class ManualDestination implements Destination<unknown> {
  readonly name = 'manual'
  readonly calls: Call[] = []
  isClosed = false

  deliver(
    items: readonly DeliveryItem<unknown>[],
    { signal }: { readonly signal: AbortSignal },
  ): Promise<readonly DeliveryOutcome[]> {
    return new Promise((resolve, reject) => {
      this.calls.push({
        values: items.map(item => item.value),
        attempts: items.map(item => item.attempts),
        signal,
        answer: resolve,
        acceptAll: () => resolve(items.map(() => ACCEPTED)),
        fail: reject,
      })
    })
  }

  async close(): Promise<void> {
    this.isClosed = true
  }

  get sent(): readonly (readonly unknown[])[] {
    return this.calls.map(call => call.values)
  }

  call(index: number): Call {
    const call = this.calls[index]
    if (call === undefined) throw new Error(`only ${this.calls.length} calls were made`)
    return call
  }
}

export function deliverNode(
  destination: Destination<unknown>,
  overrides: Partial<DeliverNode> = {},
): DeliverNode {
  return {
    id: 1,
    name: 'deliver',
    kind: 'deliver',
    memory: undefined,
    isUrgent: undefined,
    input: 0,
    destination,
    laneKey: undefined,
    sizeOf: undefined,
    maxBatchItems: 3,
    maxBatchBytes: 1_000,
    lingerMs: 100,
    maxInFlight: 2,
    maxPending: 1_000,
    timeoutMs: 10_000,
    retry: { maxAttempts: Number.POSITIVE_INFINITY, baseMs: 50, maxMs: 1_000 },
    ...overrides,
  }
}

export const CONTEXT: RecordContext = { topic: 't', partition: 0, offset: 0, timestampMs: 0, headers: [] }
