import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextTableState, worstState } from '../../../src/runtime/tables/table-state.ts'
import type { TableState } from '../../../src/runtime/tables/tables.ts'
import { isCode } from './support.ts'

const STATES: readonly TableState[] = ['loading', 'live', 'stale', 'failed']

test('a table goes from loading to live, to and fro between live and stale, and to failed from anywhere', () => {
  const allowed = STATES.flatMap(from =>
    STATES.filter(to => {
      try {
        return nextTableState(from, to) === to
      } catch (error) {
        assert.ok(isCode('TOPOLOGY_STATE_INVALID', new RegExp(`${from} cannot become ${to}`))(error))
        return false
      }
    }).map(to => `${from} ${to}`),
  )
  assert.deepEqual(allowed, [
    'loading live',
    'loading failed',
    'live stale',
    'live failed',
    'stale live',
    'stale failed',
  ])
})

test('a table is in the state of its worst partition', () => {
  assert.equal(worstState(['live', 'stale']), 'stale')
  assert.equal(worstState(['stale', 'loading', 'live']), 'loading')
  assert.equal(worstState(['loading', 'failed']), 'failed')
  assert.equal(worstState(['live', 'live']), 'live')
  assert.equal(worstState([]), 'live')
})
