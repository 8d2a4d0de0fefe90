import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCommandLine, USAGE } from '../../demo/options.ts'

test('without options: 20,000 events, one process per service', () => {
  assert.deepEqual(readCommandLine([]), {
    kind: 'run',
    options: {
      events: 20_000,
      seed: 1,
      instances: { 'marketing-events': 1, 'braze-sink': 1 },
      malformed: 0,
      isKept: false,
      isJson: false,
    },
  })
})

test('every option is taken, with a space or an equals sign', () => {
  const args = '--events=500 --seed 7 --instances marketing-events=2,braze-sink=3 --malformed 4 --keep --json'
  assert.deepEqual(readCommandLine(args.split(' ')), {
    kind: 'run',
    options: {
      events: 500,
      seed: 7,
      instances: { 'marketing-events': 2, 'braze-sink': 3 },
      malformed: 4,
      isKept: true,
      isJson: true,
    },
  })
})

test('instances of one service leave the other at one', () => {
  const read = readCommandLine(['--instances', 'braze-sink=6'])
  assert.deepEqual(read.kind === 'run' && read.options.instances, {
    'marketing-events': 1,
    'braze-sink': 6,
  })
})

test('the usage is asked for beside other options', () => {
  assert.deepEqual(readCommandLine(['--json', '--help']), { kind: 'help' })
})

const refused: readonly [args: string, message: string][] = [
  ['--event 5', 'There is no option --event.'],
  ['-e 5', 'There is no option -e.'],
  ['20000', "'20000' is no option."],
  ['--events', '--events needs a value.'],
  ['--keep=yes', '--keep takes no value.'],
  ['--seed 1 --seed 2', '--seed is given twice.'],
  ['--events 0', "--events is '0'; allowed is a whole number from 1 to 1000000."],
  ['--events 1e3', "--events is '1e3'; allowed is a whole number from 1 to 1000000."],
  ['--seed=-1', "--seed is '-1'; allowed is a whole number from 0 to 4294967295."],
  ['--malformed x', "--malformed is 'x'; allowed is a whole number from 0 to 1000000."],
  ['--instances 2,3', "--instances is '2,3'; allowed is marketing-events=N,braze-sink=N or one of them."],
  [
    '--instances marketing-events=7',
    "--instances marketing-events is '7'; allowed is a whole number from 1 to 6.",
  ],
  ['--instances braze-sink=1,braze-sink=2', '--instances names braze-sink twice.'],
]
for (const [args, message] of refused) {
  test(`${args} is refused with the usage`, () => {
    assert.throws(() => readCommandLine(args.split(' ')), {
      code: 'DEMO_USAGE',
      message: `${message}\n\n${USAGE}`,
    })
  })
}
