import assert from 'node:assert/strict'
import { test } from 'node:test'
import { argumentsOf } from '../src/arguments.ts'

test('without arguments the sink serves; a dry run ends by itself unless it is to follow', () => {
  assert.deepEqual(argumentsOf([]), { mode: 'serve' })
  assert.deepEqual(argumentsOf(['-h']), { mode: 'help' })
  assert.deepEqual(argumentsOf(['--dry-run']), { mode: 'dry-run', follow: false, limit: undefined })
  assert.deepEqual(argumentsOf(['--limit', '5', '--dry-run', '--follow']), {
    mode: 'dry-run',
    follow: true,
    limit: 5,
  })
})

test('what is misspelt must not send anything', () => {
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [['--dryrun'], /Unknown option '--dryrun'/],
    [['dry-run'], /Unexpected argument/],
    [['--dry-run=yes'], /does not take an argument/],
    [['--follow'], /--follow and --limit belong to --dry-run/],
    [['--limit', '3'], /--follow and --limit belong to --dry-run/],
    [['--dry-run', '--limit', '0'], /--limit is '0'; allowed: a whole number from 1/],
    [['--dry-run', '--limit', '1e3'], /--limit is '1e3'/],
  ]
  for (const [args, message] of wrong) {
    const result = argumentsOf(args)
    assert.ok(result.mode === 'wrong', args.join(' '))
    assert.match(result.problem, message)
  }
})
