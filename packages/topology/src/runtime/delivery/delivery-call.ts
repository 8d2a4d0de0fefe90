import type { Clock } from '../../clock.ts'
import { TopologyError } from '../../errors.ts'
import type { DeliveryItem, DeliveryOutcome } from '../../operators/destination.ts'
import type { Tracing } from '../../observability/tracing.ts'
import type { RecordContext } from '../../record.ts'
import type { DeliverNode } from '../../plan/node.ts'
import type { Entry } from './lane.ts'
import type { Batch } from './sendable-lanes.ts'

export type DeliveryAnswer =
  | { readonly kind: 'outcomes'; readonly outcomes: readonly DeliveryOutcome[] }
  | { readonly kind: 'failed'; readonly error: unknown }

/**
 * One call of the destination, bounded by the step's time. A destination that ignores its signal is not waited for; the
 * outcomes that it reports afterwards are lost, as an answer lost on the network would be.
 */
export async function callDestination(
  node: DeliverNode,
  batch: Batch,
  { clock, tracing }: { readonly clock: Clock; readonly tracing?: Tracing | undefined },
): Promise<DeliveryAnswer> {
  const { name, destination, timeoutMs } = node
  const { entries, stopping } = batch
  const controller = new AbortController()
  let rejectEarly: (reason: Error) => void = () => {}
  const early = new Promise<never>((_, reject) => {
    rejectEarly = reject
  })
  const abandon = (reason: Error): void => {
    // In this order: what a destination reports because of the abort is as late as what it reports afterwards.
    rejectEarly(reason)
    controller.abort(reason)
  }
  const onStop = (): void => abandon(stopping.signal.reason as Error)
  stopping.signal.addEventListener('abort', onStop, { once: true })
  const cancelTimer = clock.schedule(timeoutMs, () => {
    const message = `${name}: ${destination.name} did not answer within ${timeoutMs} ms (a batch of ${entries.length})`
    abandon(new TopologyError('TOPOLOGY_DELIVERY_FAILED', message, { retry: { kind: 'backoff' } }))
  })
  try {
    const items = entries.map(toItem)
    const isUrgent = batch.isUrgent || node.isUrgent === undefined
    const call = { signal: controller.signal, isUrgent }
    const deliver = (): Promise<readonly DeliveryOutcome[]> =>
      Promise.race([destination.deliver(items, call), early])
    const outcomes = await (tracing === undefined
      ? deliver()
      : tracing.call({ operation: 'deliver', step: name, records: items.map(toPlace) }, deliver))
    if (outcomes.length === items.length) return { kind: 'outcomes', outcomes }
    const message = `${name}: ${destination.name} reported ${outcomes.length} outcomes for ${items.length} items; one per item is needed`
    return { kind: 'failed', error: new TopologyError('TOPOLOGY_DELIVERY_FAILED', message) }
  } catch (error) {
    return { kind: 'failed', error }
  } finally {
    cancelTimer()
    stopping.signal.removeEventListener('abort', onStop)
  }
}

function toPlace({ context }: DeliveryItem<unknown>): RecordContext {
  return context
}

function toItem({ item, lane, attempts }: Entry): DeliveryItem<unknown> {
  const { key, value, context, memory, laneKey } = item
  if (memory === undefined || laneKey === undefined) return { key, value, context, attempts }
  const { offer } = lane
  const remembered = offer?.memoryOf === memory ? offer.memory : memory.recall(laneKey)
  return { key, value, context, attempts, memory: remembered }
}
