import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CliError } from '../../src/cli/context.ts'
import { PartitionProgress, type Progress } from '../../src/cli/dlq/replay-progress.ts'
import { oracle } from '../../../../test-support/oracle.ts'
import { noise } from './dlq-support.ts'

interface History {
  /** Offsets of the letters; gaps are markers. */
  readonly gaps: readonly number[]
  /** Which of them each replay plays, by index. */
  readonly replays: readonly (readonly number[])[]
}

const histories = fc.record<History>({
  gaps: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 200 }),
  replays: fc.array(fc.array(fc.nat(400), { maxLength: 60 }), { maxLength: 6 }),
})

test('whatever is played in whatever order, the next replay knows exactly that', () => {
  oracle(
    fc.property(histories, ({ gaps, replays }) => {
      let offset = -1
      const letters = gaps.map(gap => (offset += gap))
      const end = offset + 3
      const played = new Set<number>()
      let stored: Progress | undefined
      for (const replay of replays) {
        const progress = new PartitionProgress(letters, end, stored)
        for (const index of replay) {
          const letter = letters[index % letters.length] as number
          played.add(letter)
          stored = progress.after([letter])
          const unplayed = letters.find(other => !played.has(other))
          assert.equal(stored.offset, unplayed ?? end)
        }
        const known = new PartitionProgress(letters, end, stored)
        assert.deepEqual(
          letters.filter(other => known.isPlayed(other)),
          letters.filter(other => played.has(other)),
        )
      }
    }),
    { runs: 300 },
  )
})

test('progress that the group cannot keep is refused before it is made', () => {
  const letters = Array.from({ length: 200_000 }, (_, i) => i)
  const bits = noise('scattered', 25_000)
  const scattered = letters.filter(i => i > 0 && ((bits[i >> 3] as number) & (1 << (i & 7))) !== 0)
  const progress = new PartitionProgress(letters, 200_000, undefined)
  assert.throws(() => progress.after(scattered), CliError)
  const runs = new PartitionProgress(letters, 200_000, undefined).after(letters.slice(1))
  assert.ok(runs.metadata.length < 1_000)
})

test('metadata that somebody else wrote is refused', () => {
  for (const metadata of ['nonsense', '2:AAAA', '1:!!!!'])
    assert.throws(() => new PartitionProgress([1, 2], 3, { offset: 1, metadata }), /cannot be read/)
})
