import type { CommitHistory, CommitPoint } from '@tributary/topology'

/*
 * Burrow's rules (https://github.com/linkedin/Burrow, core/internal/evaluator/caching.go): a consumer is judged by what it
 * has committed, not by how large its lag is. Pure: the same history at the same time has the same verdict.
 */

/** As Burrow numbers them, from least to most bad. `ERR` is for groups; STOP, STALL and REWIND are for partitions. */
export const BURROW_STATUS = {
  NOTFOUND: 0,
  OK: 1,
  WARN: 2,
  ERR: 3,
  STOP: 4,
  STALL: 5,
  REWIND: 6,
} as const

export type PartitionVerdict = 'OK' | 'WARN' | 'STOP' | 'STALL' | 'REWIND'
export type GroupVerdict = 'OK' | 'WARN' | 'ERR'

export interface EvaluationOptions {
  /** Milliseconds since the epoch. */
  readonly nowMs: number
  /** Burrow's `allowed-lag`: with no more records than that a partition is never bad. Default 0. */
  readonly allowedLag?: number
  /** Burrow's `minimum-complete`, 0 to 1: a partition with fewer commits known is OK. Default 0. */
  readonly minimumComplete?: number
}

export interface PartitionStatus {
  readonly topic: string
  readonly partition: number
  readonly status: PartitionVerdict
  /** The oldest and the latest commit that is known. */
  readonly start: CommitPoint | undefined
  readonly end: CommitPoint | undefined
  readonly currentLag: number
  /** Which part of the window is known, 0 to 1. */
  readonly complete: number
}

export interface GroupStatus {
  readonly status: GroupVerdict
  /** The part of the partitions whose window is known as a whole. */
  readonly complete: number
  readonly partitions: readonly PartitionStatus[]
  /** The partition with the most lag. */
  readonly maxLag: PartitionStatus | undefined
  readonly totalLag: number
}

export function evaluateGroup(histories: readonly CommitHistory[], options: EvaluationOptions): GroupStatus {
  const partitions = histories.map(history => evaluatePartition(history, options))
  let status: GroupVerdict = 'OK'
  let maxLag: PartitionStatus | undefined
  for (const partition of partitions) {
    status = worse(status, partition.status)
    if (maxLag === undefined || partition.currentLag > maxLag.currentLag) maxLag = partition
  }
  const completePartitions = partitions.filter(({ complete }) => complete === 1).length
  return {
    status,
    complete: partitions.length === 0 ? 0 : completePartitions / partitions.length,
    partitions,
    maxLag,
    totalLag: partitions.reduce((sum, { currentLag }) => sum + currentLag, 0),
  }
}

/** What is worse than a warning about a partition is an error of its group. */
function worse(group: GroupVerdict, partition: PartitionVerdict): GroupVerdict {
  if (partition === 'OK') return group
  if (partition === 'WARN') return group === 'ERR' ? group : 'WARN'
  return 'ERR'
}

export function evaluatePartition(history: CommitHistory, options: EvaluationOptions): PartitionStatus {
  const { topic, partition, commits, intervals, currentLag } = history
  const complete = commits.length / intervals
  const isJudged = commits.length > 0 && complete >= (options.minimumComplete ?? 0)
  return {
    topic,
    partition,
    status: isJudged ? verdict(history, options) : 'OK',
    start: commits[0],
    end: commits.at(-1),
    currentLag,
    complete,
  }
}

/** In this order: the first rule that applies decides. */
function verdict(
  { commits, endOffsets, currentLag }: CommitHistory,
  { nowMs, allowedLag = 0 }: EvaluationOptions,
): PartitionVerdict {
  if (currentLag <= allowedLag) return 'OK'
  if (hasStopped(commits, nowMs) && !wasRecentlyAtEnd(commits, endOffsets)) return 'STOP'
  if (hasRewound(commits)) return 'REWIND'
  if (commits.some(({ lag }) => lag <= allowedLag)) return 'OK'
  if (hasStalled(commits)) return 'STALL'
  return isLagFalling(commits) ? 'OK' : 'WARN'
}

/** Nothing was committed for longer than the window lasts. Burrow's present is a whole second. */
function hasStopped(commits: readonly CommitPoint[], nowMs: number): boolean {
  const first = commits[0] as CommitPoint
  const last = commits.at(-1) as CommitPoint
  const nowSecondMs = Math.floor(nowMs / 1_000) * 1_000
  return nowSecondMs - last.timestampMs > last.timestampMs - first.timestampMs
}

/** Of the ends that were seen lately, one is no further than the last commit. */
function wasRecentlyAtEnd(commits: readonly CommitPoint[], endOffsets: readonly number[]): boolean {
  const last = commits.at(-1) as CommitPoint
  return endOffsets.some(endOffset => endOffset <= last.offset)
}

/** The first step back counts until the offset before it is reached again. */
function hasRewound(commits: readonly CommitPoint[]): boolean {
  const back = commits.findIndex(({ offset }, i) => i > 0 && offset < (commits[i - 1] as CommitPoint).offset)
  if (back === -1) return false
  const before = (commits[back - 1] as CommitPoint).offset
  return !commits.slice(back).some(({ offset }) => offset >= before)
}

function hasStalled(commits: readonly CommitPoint[]): boolean {
  const first = commits[0] as CommitPoint
  return commits.every(({ offset }) => offset === first.offset)
}

/** From one commit to the next, somewhere in the window. */
function isLagFalling(commits: readonly CommitPoint[]): boolean {
  return commits.some(({ lag }, i) => i > 0 && lag < (commits[i - 1] as CommitPoint).lag)
}
