import type { Fetcher, GroupMember } from '../client/ports.ts'
import type { AppOptions } from '../config.ts'
import type { NodeId } from '../plan/node.ts'
import type { AppEnvironment } from './app.ts'
import type { Assignment } from './assignment.ts'
import type { DeliveryStage } from './delivery/delivery-stage.ts'
import type { Guarantee } from './guarantee.ts'
import type { Tables } from './tables/tables.ts'

export interface ClosingParts {
  readonly group: GroupMember
  readonly fetcher: Fetcher
  readonly tables: Tables
  readonly deliveries: ReadonlyMap<NodeId, DeliveryStage>
  readonly guarantee: Guarantee
  readonly assignment: Assignment
}

/** What of `shutdownTimeoutMs` is kept for the last commit, for leaving the group and for closing the connections. */
export function lastCommitMs({ shutdownTimeoutMs }: AppOptions): number {
  return Math.min(2_000, shutdownTimeoutMs / 5)
}

/** Resolves at `ms` whatever has become of the work; losing what brokers no longer answer to is no failure. */
async function inTime(
  { clock, logger }: AppEnvironment,
  step: { readonly what: string; readonly ms: number; readonly giveUp: () => void },
  work: Promise<void>,
): Promise<void> {
  const { what, ms, giveUp } = step
  const late = Promise.withResolvers<void>()
  const cancel = clock.schedule(ms, () => {
    logger.error(
      { givenUpAfterMs: ms },
      `${what} has not ended in time; unfinished work is left to the next owner`,
    )
    giveUp()
    late.resolve()
  })
  try {
    await Promise.race([work, late.promise])
  } finally {
    cancel()
  }
}

/**
 * Leaves the group (which drains and commits), then closes everything in the reverse order of opening, all within
 * `shutdownTimeoutMs`.
 */
export function closing(app: AppEnvironment, parts: ClosingParts): () => Promise<void> {
  const { group, fetcher, tables, deliveries, guarantee, assignment } = parts
  const { shutdownTimeoutMs } = app.options
  const giveUp = (): void => {
    guarantee.end()
    assignment.suspend()
  }
  const leaveMs = shutdownTimeoutMs - lastCommitMs(app.options) / 4
  return () =>
    inTime(
      app,
      { what: 'closing', ms: shutdownTimeoutMs, giveUp },
      closeInOrder([
        () => inTime(app, { what: 'leaving the group', ms: leaveMs, giveUp }, group.leave()),
        () => fetcher.close(),
        () => tables.stop(),
        ...[...deliveries.values()].map(stage => () => stage.close()),
        () => guarantee.close(),
      ]),
    )
}

/** Each step is tried whatever became of the ones before; the first failure is the one that is told. */
async function closeInOrder(steps: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: Error[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      failures.push(error as Error)
    }
  }
  const [first] = failures
  if (first !== undefined) throw first
}
