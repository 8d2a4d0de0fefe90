import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChaosError } from '../../chaos/chaos-error.ts'
import { readCommandLine, USAGE, type ChaosOptions } from '../../chaos/options.ts'

function read(...args: readonly string[]): ChaosOptions {
  const command = readCommandLine(args)
  assert.equal(command.kind, 'run')
  return (command as Extract<typeof command, { kind: 'run' }>).options
}

test('without options things break for a minute, in every way, with at-least-once', () => {
  const { faults, ...others } = read()
  assert.deepEqual(others, { minutes: 1, seed: 1, guarantee: 'at-least-once', rate: 150, isJson: false })
  assert.equal(faults.length, 13)
})

test('the options are read', () => {
  const args = '--minutes 2.5 --seed 7 --guarantee exactly-once --rate 40 --faults kill,apiSlow --json'
  assert.deepEqual(read(...args.split(' ')), {
    minutes: 2.5,
    seed: 7,
    guarantee: 'exactly-once',
    rate: 40,
    faults: ['kill', 'apiSlow'],
    isJson: true,
  })
  assert.deepEqual(readCommandLine(['--help']), { kind: 'help' })
})

test('what is not understood is refused with what is allowed', () => {
  for (const [args, complaint] of [
    ['--minutes 0', "--minutes is '0'; allowed is a number from 0.2 to 1440"],
    ['--minutes many', "--minutes is 'many'"],
    ['--seed 1.5', "--seed is '1.5'; allowed is a whole number"],
    ['--guarantee twice', "--guarantee is 'twice'; allowed is at-least-once, exactly-once"],
    ['--faults kill,flood', "--faults names 'flood'; allowed are kill, brokerKill"],
    ['--colour', 'colour'],
    ['now', 'now'],
  ] as const) {
    assert.throws(
      () => readCommandLine(args.split(' ')),
      error =>
        error instanceof ChaosError &&
        error.code === 'CHAOS_USAGE' &&
        error.message.includes(complaint) &&
        error.message.endsWith(USAGE),
      args,
    )
  }
})
