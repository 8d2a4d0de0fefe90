import { partOf } from '../../shares.ts'
import type { Limits } from './load.ts'

/** The part of the limits that a process with so many partitions has for certain, whichever they are. */
export interface ReplicaPart {
  readonly partitions: number
  readonly perWindow: number
  readonly perHour: number | undefined
}

export interface Sharing {
  readonly partitions: number
  /** Requests in three seconds, by partition. */
  readonly perWindow: readonly number[]
  /** Requests per hour, by partition; undefined without an hourly limit. */
  readonly perHour: readonly number[] | undefined
  /** One entry, or two when the partitions do not divide evenly among the replicas. */
  readonly replicas: readonly ReplicaPart[]
  /** With fewer partitions than replicas some have none. */
  readonly idleReplicas: number
}

/** What each partition has of a limit; the parts add up to it exactly, so no placement of the partitions goes beyond it. */
export function partitionQuotas(limit: number, partitions: number): readonly number[] {
  return Array.from({ length: partitions }, (_, partition) => partOf(limit, partition, partitions))
}

export function sharing(partitions: number, replicas: number, limits: Limits): Sharing {
  const perWindow = partitionQuotas(limits.perWindow, partitions)
  const perHour = limits.perHour === undefined ? undefined : partitionQuotas(limits.perHour, partitions)
  const working = Math.min(replicas, partitions)
  const sizes = new Set([Math.floor(partitions / working), Math.ceil(partitions / working)])
  return {
    partitions,
    perWindow,
    perHour,
    replicas: Array.from(sizes, size => ({
      partitions: size,
      perWindow: smallestSum(perWindow, size),
      perHour: perHour === undefined ? undefined : smallestSum(perHour, size),
    })),
    idleReplicas: replicas - working,
  }
}

function smallestSum(quotas: readonly number[], count: number): number {
  return quotas
    .toSorted((a, b) => a - b)
    .slice(0, count)
    .reduce((sum, quota) => sum + quota, 0)
}
