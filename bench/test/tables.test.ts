import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lookupIndex } from '../src/tables/lookups.ts'
import { readFigures } from '../src/tables/figures.ts'
import { summarizeTables, tablesTable } from '../src/tables/summary.ts'

test('lookups go all over the table and stay within it', () => {
  const rows = 10_007
  const asked = Array.from({ length: rows }, (_, count) => lookupIndex(count, rows))
  assert.equal(new Set(asked).size, rows)
  assert.ok(asked.every(index => index >= 0 && index < rows))
  assert.ok(Math.abs(asked[1]! - asked[0]!) > 100)
})

test('figures are read from among whatever else a program prints', () => {
  const log = 'starting\nfigure rows 5\nfigures 7\nfigure loadSeconds 0.25\n[WARN] figure rows 9\n'
  assert.deepEqual(readFigures(log), { rows: 5, loadSeconds: 0.25 })
})

test('the pace of loading is a median over runs, and what was not measured stays out', () => {
  const summary = summarizeTables(
    [0.5, 1, 4].map((loadSeconds, round) => ({
      contestant: 'tributary',
      round,
      figures: { rows: 1_000, loadSeconds },
    })),
  )
  assert.equal(summary['tributary']!['loadRowsPerSecond'], 1_000)
  assert.equal(summary['tributary']!['lookupsPerSecond'], undefined)
  const line = tablesTable(summary).split('\n')[1]!
  assert.match(line, /^Tributary, global table +1000 +- /)
})
