import { backoffMs } from '../../backoff.ts'
import type { Clock } from '../../clock.ts'
import { adviceForUnknown, retryAdviceOf } from '../../errors.ts'
import type { Tracing } from '../../observability/tracing.ts'
import { deliveryFailureOf, type DeliveryOutcome } from '../../operators/destination.ts'
import type { DeliverNode } from '../../plan/node.ts'
import { callDestination, type DeliveryAnswer } from './delivery-call.ts'
import type { RecordContext } from '../../record.ts'
import type { DeliverySettlement, Entry } from './lane.ts'
import type { Batch } from './sendable-lanes.ts'

const NO_ADVICE = { kind: 'backoff' } as const

/** What a batch needs of its stage while it is under way. */
export interface BatchHost {
  readonly node: DeliverNode
  readonly clock: Clock
  readonly tracing?: Tracing | undefined
  readonly random: () => number
  readonly hasEnded: boolean
  onCall(items: number): void
  /** An answer, or a failure that stands for one, after so many milliseconds. */
  onAnswer(ms: number): void
  /** The call failed as a whole and is made again. */
  onRetry(retry: { error: unknown; failures: number; waitMs: number; items: number }): void
  /** Resolves when the destination is ready for the batch once more. */
  whenReady(batch: Batch): Promise<void>
  /** Items of the batch that nobody waits for any more. */
  onUnwanted(items: number): void
  fail(error: unknown): void
}

/**
 * From the first call of a batch to its last. Resolves with an outcome for each entry that the batch has then, or with
 * undefined when the stage has ended.
 */
export async function runBatch(
  batch: Batch,
  host: BatchHost,
): Promise<readonly DeliveryOutcome[] | undefined> {
  for (let failures = 1; ; failures += 1) {
    host.onCall(batch.entries.length)
    const calledMs = host.clock.monotonicMs()
    const answer = await callDestination(host.node, batch, host)
    host.onAnswer(host.clock.monotonicMs() - calledMs)
    if (host.hasEnded) return undefined
    count(batch, answer)
    if (answer.kind === 'outcomes') return answer.outcomes
    const outcomes = outcomesOfFailure(host.node, batch, answer.error)
    if (outcomes !== undefined) return outcomes
    if (isWanted(batch)) await waitForRetry(batch, host, { error: answer.error, failures })
    if (host.hasEnded) return undefined
    dropUnwanted(batch, host)
    if (batch.entries.length === 0) return []
  }
}

function count({ entries }: Batch, answer: DeliveryAnswer): void {
  const advice = answer.kind === 'failed' ? retryAdviceOf(answer.error, NO_ADVICE) : undefined
  for (const [index, entry] of entries.entries()) {
    entry.calls += 1
    const said = advice ?? (answer.kind === 'outcomes' ? answer.outcomes[index] : undefined)
    if (said === undefined || !('isAttempt' in said) || said.isAttempt !== false) entry.attempts += 1
  }
}

/** A batch with items that have had their last attempt falls apart: they are rejected, the others go on in their lanes. */
function outcomesOfFailure(
  { retry }: DeliverNode,
  { entries }: Batch,
  error: unknown,
): readonly DeliveryOutcome[] | undefined {
  const isLast = (entry: Entry): boolean => entry.attempts >= retry.maxAttempts
  const advice = retryAdviceOf(error, adviceForUnknown(error))
  if (advice.kind === 'never' || !entries.some(isLast)) return undefined
  const { status, sentOf } = deliveryFailureOf(error)
  const again = {
    kind: 'retry',
    cause: error,
    ...(advice.kind === 'after' ? { afterMs: advice.ms } : {}),
    ...(status === undefined ? {} : { status }),
  } as const
  return entries.map((_, index) => ({ ...again, ...sentOf?.(index) }))
}

async function waitForRetry(
  batch: Batch,
  host: BatchHost,
  { error, failures }: { readonly error: unknown; readonly failures: number },
): Promise<void> {
  const { node, clock, random } = host
  const { signal } = batch.stopping
  const advice = retryAdviceOf(error, adviceForUnknown(error))
  if (advice.kind === 'never') {
    host.fail(error)
    return
  }
  const waitMs = advice.kind === 'after' ? advice.ms : backoffMs(failures, node.retry, random)
  host.onRetry({ error, failures, waitMs, items: batch.entries.length })
  batch.isWaiting = true
  try {
    await clock.sleep(waitMs, { signal })
    await host.whenReady(batch)
  } catch (cause) {
    if (!signal.aborted) host.fail(cause)
  }
  batch.isWaiting = false
}

/** Whether anybody still waits for an item of the batch. */
export function isWanted({ entries }: Batch): boolean {
  return entries.some(entry => !entry.owner.isForgotten)
}

function dropUnwanted(batch: Batch, host: BatchHost): void {
  const wanted = batch.entries.filter(entry => !entry.owner.isForgotten)
  host.onUnwanted(batch.entries.length - wanted.length)
  batch.entries = wanted
}

const NONE: readonly RecordContext[] = []

/**
 * The records that became one with an item that is rejected. A destination that names an item that is not there must not cost the letter.
 */
export function togetherWith({ entries }: Batch, outcome: DeliverySettlement): readonly RecordContext[] {
  if (outcome.kind !== 'rejected' || outcome.together === undefined) return NONE
  return outcome.together.flatMap(index => entries[index]?.item.context ?? [])
}
