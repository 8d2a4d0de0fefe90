import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommitLog } from '../../src/observability/commit-log.ts'

const at = { topic: 'words', partition: 0 }

test('the latest commits are kept, each with the lag that it left', () => {
  const log = new CommitLog({ intervals: 3, distanceMs: 0 })
  log.look(at, 100, 0)
  for (const [offset, nowMs] of [
    [10, 0],
    [20, 1_000],
    [30, 1_001],
    [110, 3_000],
  ] as const)
    log.committed(at, offset, nowMs)
  assert.deepEqual(log.histories(), [
    {
      ...at,
      intervals: 3,
      commits: [
        { offset: 20, timestampMs: 1_000, lag: 80 },
        { offset: 30, timestampMs: 1_001, lag: 70 },
        { offset: 110, timestampMs: 3_000, lag: 0 },
      ],
      endOffsets: [100],
      currentLag: 0,
    },
  ])
})

test('a commit that follows too soon replaces the one before and keeps its time', () => {
  const log = new CommitLog({ intervals: 10, distanceMs: 1_000 })
  log.look(at, 100, 0)
  for (const [offset, nowMs] of [
    [10, 0],
    [20, 600],
    [30, 1_200],
    [40, 2_100],
    [50, 2_200],
  ] as const)
    log.committed(at, offset, nowMs)
  const [history] = log.histories()
  assert.deepEqual(
    history?.commits.map(({ offset, timestampMs }) => [offset, timestampMs]),
    [
      [20, 0],
      [40, 1_200],
      [50, 2_200],
    ],
  )
})

test('ends are kept ten seconds apart, and the lag is counted from the latest', () => {
  const log = new CommitLog({ intervals: 2, distanceMs: 0 })
  log.look(at, -1, 0)
  assert.deepEqual(log.histories(), [])
  log.committed(at, 10, 0)
  for (const [end, nowMs] of [
    [10, 0],
    [15, 5_000],
    [20, 10_000],
    [30, 20_000],
    [31, 29_999],
  ] as const)
    log.look(at, end, nowMs)
  const [history] = log.histories()
  assert.deepEqual([history?.endOffsets, history?.currentLag], [[20, 30], 21])
})

test('what a predecessor has left stands where it is until something is committed', () => {
  const log = new CommitLog({ intervals: 10, distanceMs: 0 })
  log.look(at, 50, 0)
  log.began(at, undefined, 0)
  assert.deepEqual(log.histories(), [])
  log.began(at, 20, 1_000)
  log.began(at, 20, 2_000)
  assert.deepEqual(log.histories()[0]?.commits, [{ offset: 20, timestampMs: 1_000, lag: 30 }])
  log.forget(at)
  assert.deepEqual(log.histories(), [])
})
