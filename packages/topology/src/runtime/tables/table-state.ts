import { TopologyError } from '../../errors.ts'
import type { TableState } from './tables.ts'

/**
 * ```
 *  loading ─► live ◄─► stale
 *     └────────┴─────────┴───► failed
 * ```
 * Reading that starts anew leaves a table that is still loading where it is, and makes a live one stale.
 */
const TRANSITIONS: Readonly<Record<TableState, readonly TableState[]>> = {
  loading: ['live', 'failed'],
  live: ['stale', 'failed'],
  stale: ['live', 'failed'],
  failed: [],
}

const WORST_FIRST: readonly TableState[] = ['failed', 'loading', 'stale', 'live']

export const TABLE_STATES: readonly TableState[] = Object.keys(TRANSITIONS) as TableState[]

export function nextTableState(from: TableState, to: TableState): TableState {
  if (TRANSITIONS[from].includes(to)) return to
  throw new TopologyError(
    'TOPOLOGY_STATE_INVALID',
    `A table that is ${from} cannot become ${to}; from here it can become ${TRANSITIONS[from].join(' or ') || 'nothing else'}`,
  )
}

/** A table is as good as its worst partition; without any partition it is live. */
export function worstState(states: readonly TableState[]): TableState {
  return WORST_FIRST.find(state => states.includes(state)) ?? 'live'
}
