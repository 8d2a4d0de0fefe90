import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CommitHistory, CommitPoint } from '@tributary/topology'
import { oracle } from '../../../../test-support/oracle.ts'
import { evaluateGroup, evaluatePartition, type PartitionVerdict } from '../../src/burrow/evaluate.ts'

const NOW_MS = 1_700_000_000_000
const INTERVALS = 10

/** Commits a second apart, the last one a second ago. */
function commits(...points: readonly (readonly [offset: number, lag: number])[]): readonly CommitPoint[] {
  return points.map(([offset, lag], i) => ({
    offset,
    lag,
    timestampMs: NOW_MS - (points.length - i) * 1_000,
  }))
}

function history(
  of: readonly CommitPoint[],
  { currentLag = of.at(-1)?.lag ?? 0, endOffsets = [1_000_000] }: Partial<CommitHistory> = {},
): CommitHistory {
  return { topic: 'words', partition: 0, intervals: INTERVALS, commits: of, currentLag, endOffsets }
}

function verdictOf(
  of: CommitHistory,
  options: { nowMs?: number; allowedLag?: number; minimumComplete?: number } = {},
) {
  return evaluatePartition(of, { nowMs: NOW_MS, ...options }).status
}

/** Of the scenarios that Burrow's own documentation and code tell apart. */
const CASES: readonly (readonly [string, PartitionVerdict, CommitHistory])[] = [
  ['nothing is committed yet', 'OK', history([], { currentLag: 5 })],
  ['it is at the end', 'OK', history(commits([10, 5], [20, 0]))],
  [
    'it was at the end within the window, and has fallen behind',
    'OK',
    history(commits([10, 0], [11, 5], [12, 9])),
  ],
  ['it moves and catches up', 'OK', history(commits([10, 50], [20, 40], [30, 30]))],
  [
    'it moves, the lag grows, falls once and grows again',
    'OK',
    history(commits([10, 50], [20, 49], [30, 60])),
  ],
  ['it moves and falls behind', 'WARN', history(commits([10, 50], [20, 60], [30, 70]))],
  ['it moves and the lag stays', 'WARN', history(commits([10, 50], [20, 50], [30, 50]))],
  ['it commits the same offset again and again', 'STALL', history(commits([10, 50], [10, 60], [10, 70]))],
  ['a stalled one has no lag now', 'OK', history(commits([10, 50], [10, 60]), { currentLag: 0 })],
  ['it goes back and is still behind where it was', 'REWIND', history(commits([10, 50], [5, 55], [8, 52]))],
  [
    'it went back and has got there again',
    'WARN',
    history(commits([10, 50], [5, 55], [12, 60]).map(withLag([50, 55, 60]))),
  ],
  ['it was at the end and goes back', 'REWIND', history(commits([10, 0], [5, 5], [6, 4]))],
  ['one commit long ago, and lag', 'STOP', history(commits([10, 5]), { currentLag: 5 })],
]

function withLag(lags: readonly number[]): (point: CommitPoint, i: number) => CommitPoint {
  return (point, i) => ({ ...point, lag: lags[i] as number })
}

for (const [name, expected, of] of CASES)
  test(`${expected}: ${name}`, () => {
    assert.equal(verdictOf(of), expected)
  })

test('STOP: nothing is committed for longer than the window lasts, unless the end was reached lately', () => {
  // A window of two seconds, whose last commit is a second old.
  const window = history(commits([10, 5], [20, 5], [30, 5]))
  assert.equal(verdictOf(window, { nowMs: NOW_MS + 1_000 }), 'WARN')
  assert.equal(verdictOf(window, { nowMs: NOW_MS + 1_999 }), 'WARN')
  assert.equal(verdictOf(window, { nowMs: NOW_MS + 2_000 }), 'STOP')
  const wasAtEnd = history(commits([10, 5], [20, 5], [30, 0]), { currentLag: 7, endOffsets: [25, 30, 37] })
  assert.equal(verdictOf(wasAtEnd, { nowMs: NOW_MS + 60_000 }), 'OK')
  const wasNot = history(commits([10, 5], [20, 5], [30, 0]), { currentLag: 7, endOffsets: [35, 36, 37] })
  assert.equal(verdictOf(wasNot, { nowMs: NOW_MS + 60_000 }), 'STOP')
})

test('a lag that is allowed is none', () => {
  const falling = history(commits([10, 50], [20, 60], [30, 70]))
  assert.equal(verdictOf(falling, { allowedLag: 69 }), 'OK', 'there were 50')
  assert.equal(verdictOf(falling, { allowedLag: 49 }), 'WARN')
  assert.equal(verdictOf(falling, { allowedLag: 70 }), 'OK')
})

test('a partition of which too little is known is OK', () => {
  const stalled = history(commits([10, 50], [10, 60], [10, 70]))
  assert.equal(verdictOf(stalled, { minimumComplete: 0.3 }), 'STALL')
  assert.equal(verdictOf(stalled, { minimumComplete: 0.31 }), 'OK')
  assert.equal(evaluatePartition(stalled, { nowMs: NOW_MS }).complete, 0.3)
})

test('a group is as its worst partition, and what is worse than a warning is an error', () => {
  const ok = history(commits([10, 0]))
  const warn = { ...history(commits([10, 50], [20, 60])), partition: 1 }
  const stall = { ...history(commits([10, 50], [10, 55])), partition: 2 }
  const evaluate = (...of: readonly CommitHistory[]) => evaluateGroup(of, { nowMs: NOW_MS })
  assert.equal(evaluate().status, 'OK')
  assert.equal(evaluate(ok, ok).status, 'OK')
  assert.equal(evaluate(ok, warn).status, 'WARN')
  assert.equal(evaluate(stall, warn, ok).status, 'ERR')
  const { maxLag, totalLag, complete } = evaluate(ok, warn, stall)
  assert.deepEqual([maxLag?.partition, totalLag, complete], [1, 115, 0])
  const full = history(commits(...Array.from({ length: INTERVALS }, (_, i) => [i, 0] as const)))
  assert.equal(evaluate(full, ok).complete, 0.5)
})

/** Burrow's code once more, in its own order and with its own loops, to compare with. */
function burrow(of: CommitHistory, nowMs: number, allowedLag: number): PartitionVerdict {
  const { commits: offsets, endOffsets, currentLag } = of
  const n = offsets.length
  if (n === 0 || !(currentLag > allowedLag)) return 'OK'
  const at = (i: number): CommitPoint => offsets[i] as CommitPoint
  const isStopped =
    Math.floor(nowMs / 1_000) * 1_000 - at(n - 1).timestampMs > at(n - 1).timestampMs - at(0).timestampMs
  let wasZero = false
  for (const end of endOffsets) if (end <= at(n - 1).offset) wasZero = true
  if (isStopped && !wasZero) return 'STOP'
  let rewind = -1
  for (let i = 1; i < n && rewind < 0; i += 1) if (at(i).offset < at(i - 1).offset) rewind = i
  if (rewind > 0) {
    let isRecovered = false
    for (let i = rewind; i < n; i += 1) if (at(i).offset >= at(rewind - 1).offset) isRecovered = true
    if (!isRecovered) return 'REWIND'
  }
  for (let i = 0; i < n; i += 1) if (at(i).lag <= allowedLag) return 'OK'
  let isStalled = true
  for (let i = 1; i < n; i += 1) if (at(i).offset !== at(i - 1).offset) isStalled = false
  if (isStalled) return 'STALL'
  for (let i = 1; i < n; i += 1) if (at(i).lag < at(i - 1).lag) return 'OK'
  return 'WARN'
}

test('every verdict is the one of Burrow’s loops', () => {
  const point = fc.record({ offset: fc.nat(6), lag: fc.nat(4), sinceMs: fc.nat(3_000) })
  const seen = new Set<string>()
  oracle(
    fc.property(
      fc.array(point, { maxLength: INTERVALS }),
      fc.array(fc.nat(8), { maxLength: INTERVALS }),
      fc.record({ currentLag: fc.nat(4), allowedLag: fc.nat(2), ageMs: fc.nat(20_000) }),
      (points, endOffsets, { currentLag, allowedLag, ageMs }) => {
        let timestampMs = NOW_MS
        const of = history(
          points.map(({ offset, lag, sinceMs }) => {
            timestampMs += sinceMs
            return { offset, lag, timestampMs }
          }),
          { endOffsets, currentLag },
        )
        const nowMs = timestampMs + ageMs
        const expected = burrow(of, nowMs, allowedLag)
        seen.add(expected)
        assert.equal(verdictOf(of, { nowMs, allowedLag }), expected)
      },
    ),
    { runs: 20_000 },
  )
  assert.deepEqual([...seen].toSorted(), ['OK', 'REWIND', 'STALL', 'STOP', 'WARN'])
})
