import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCommandLine } from '../../drill/options.ts'

test('without arguments everything is run, from seed 1', () => {
  assert.deepEqual(readCommandLine([]), {
    kind: 'run',
    options: { only: undefined, isShort: false, seed: 1, isJson: false },
  })
})

test('each option is read', () => {
  assert.deepEqual(readCommandLine(['--only', 'poison', '--short', '--seed', '7', '--json']), {
    kind: 'run',
    options: { only: 'poison', isShort: true, seed: 7, isJson: true },
  })
  assert.deepEqual(readCommandLine(['--help']), { kind: 'help' })
})

test('what is not allowed is refused with the usage', () => {
  for (const [args, message] of [
    [['--seed', 'x'], /--seed is 'x'; allowed is a whole number/],
    [['--seed', ''], /--seed is ''/],
    [['--long'], /--long/],
    [['poison'], /poison/],
  ] as const) {
    assert.throws(() => readCommandLine(args), {
      code: 'DRILL_USAGE',
      message: new RegExp(`${message.source}[^]*Usage: npm run drill`),
    })
  }
})
