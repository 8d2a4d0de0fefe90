import assert from 'node:assert/strict'
import { test } from 'node:test'
import { painter, wantsColours } from '../../src/cli/paint.ts'

test('colours are for a terminal that shows them, where NO_COLOR is not set', () => {
  const terminal = { isTTY: true }
  assert.equal(wantsColours(terminal, {}), true)
  assert.equal(wantsColours(terminal, { NO_COLOR: '' }), true)
  assert.equal(wantsColours(terminal, { NO_COLOR: '1' }), false)
  assert.equal(wantsColours(terminal, { TERM: 'dumb' }), false)
  assert.equal(wantsColours({}, {}), false)
  assert.equal(wantsColours({ isTTY: false }, { FORCE_COLOR: '1' }), false)
  assert.equal(painter(true)('red', 'x'), '\u001b[31mx\u001b[39m')
  assert.equal(painter(false)('red', 'x'), 'x')
})
