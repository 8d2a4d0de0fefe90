import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lifecycle, type AppState } from '../../src/runtime/lifecycle.ts'

const ALLOWED: readonly (readonly [AppState, AppState])[] = [
  ['created', 'starting'],
  ['created', 'closed'],
  ['starting', 'running'],
  ['starting', 'closing'],
  ['starting', 'failed'],
  ['running', 'closing'],
  ['running', 'failed'],
  ['closing', 'closed'],
  ['closing', 'failed'],
]
const STATES: readonly AppState[] = ['created', 'starting', 'running', 'closing', 'closed', 'failed']

/** The shortest way from `created` to each state. */
const WAYS: Readonly<Record<AppState, readonly AppState[]>> = {
  created: [],
  starting: ['starting'],
  running: ['starting', 'running'],
  closing: ['starting', 'closing'],
  closed: ['closed'],
  failed: ['starting', 'failed'],
}

for (const from of STATES) {
  for (const to of STATES) {
    const isAllowed = ALLOWED.some(([a, b]) => a === from && b === to)
    test(`${from} ${isAllowed ? 'can' : 'cannot'} become ${to}`, () => {
      const heard: AppState[] = []
      const lifecycle = new Lifecycle(state => heard.push(state))
      for (const state of WAYS[from]) lifecycle.to(state)
      if (isAllowed) {
        lifecycle.to(to)
        assert.equal(heard.at(-1), to)
      } else {
        assert.throws(() => lifecycle.to(to), { code: 'TOPOLOGY_STATE_INVALID' })
        assert.equal(lifecycle.state, from)
      }
    })
  }
}
