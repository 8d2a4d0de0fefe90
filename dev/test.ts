import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { constants } from 'node:os'
import { join, relative } from 'node:path'
import { stopOnSignals } from './stack/interrupts.ts'
import { newLogDirectory } from './stack/log-directory.ts'
import { repositoryRoot } from './stack/repository.ts'

// `npm test`: the checks that read the code, a few at a time, then every test in one run of Node's test runner, whose
// summary closes the output.

interface Check {
  readonly name: string
  /** One after the other, until one fails. */
  readonly commands: readonly (readonly [command: string, ...args: string[]])[]
}

// The slowest first, so that the last one to end is a short one.
const CHECKS: readonly Check[] = [
  { name: 'format', commands: [['prettier', '--check', '--log-level', 'warn', '.']] },
  {
    name: 'types',
    commands: [
      ['tsc', '-b'],
      ['tsc', '-p', 'tsconfig.json'],
    ],
  },
  { name: 'lint', commands: [['oxlint', '--type-aware', '--deny-warnings']] },
  { name: 'type tests', commands: [['tstyche']] },
]
const CHECKS_AT_ONCE = 2

const TEST_FILES = ['packages', 'services', 'examples', 'dev', 'test-support', 'bench', 'docs'].map(
  folder => `${folder}/**/*.test.ts`,
)
// One more than there are processors where two are: a test with a broker waits as long as it computes.
const TESTS_AT_ONCE = 3
// Several times what they take: a test that never ends is to be named, not waited for.
const TESTS_DEADLINE_MS = 15 * 60 * 1_000

const interrupted = new AbortController()
const running = new Set<Promise<unknown>>()
stopOnSignals(async () => {
  interrupted.abort()
  await Promise.allSettled(running)
})

if (process.argv.length > 2) {
  console.error('npm test takes no arguments; `node -C @tributary/source --test FILE` runs a single file.')
  process.exit(2)
}
process.chdir(repositoryRoot)
const failed = await runChecks(await newLogDirectory('checks'))
const exitCode = await runTests()
// A run that is all right ends with the test runner's summary.
if (failed.length > 0) console.error(`Failed before the tests: ${failed.join(', ')} (see above).`)
process.exit(failed.length > 0 ? 1 : exitCode)

/** Returns the names of the checks that failed. */
async function runChecks(logDirectory: string): Promise<string[]> {
  const waiting = [...CHECKS]
  const failed: string[] = []
  const work = async (): Promise<void> => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      if (interrupted.signal.aborted) return
      if (!(await runCheck(check, logDirectory))) failed.push(check.name)
    }
  }
  await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, work))
  return failed
}

async function runCheck(check: Check, logDirectory: string): Promise<boolean> {
  const startedAt = performance.now()
  let output = ''
  let isPassed = true
  for (const [command, ...args] of check.commands) {
    const result = await capture(command, args)
    output += result.output
    isPassed &&= result.code === 0
    if (!isPassed) break
  }
  if (interrupted.signal.aborted) return false
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  if (isPassed) {
    console.log(`${check.name} … ok (${seconds} s)`)
    return true
  }
  const logFile = join(logDirectory, `${check.name.replaceAll(' ', '-')}.log`)
  await writeFile(logFile, output)
  console.log(`${check.name} … FAILED (${seconds} s, also in ${relative(repositoryRoot, logFile)})`)
  console.log(output.trimEnd())
  return false
}

async function capture(command: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: interrupted.signal,
    // Some of them write colours whenever CI is set.
    env: process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: '1' },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', text => {
      output += text
    })
  }
  return await track(
    new Promise(resolve => {
      child.once('error', error => resolve({ code: 1, output: `${output}${error.message}\n` }))
      child.once('close', code => resolve({ code: code ?? 1, output }))
    }),
  )
}

async function runTests(): Promise<number> {
  if (interrupted.signal.aborted) return 1
  const isWatchedByNobody = Boolean(process.env['CI'])
  const reporter = isWatchedByNobody ? './test-support/skip-is-failure.ts' : 'spec'
  const child = spawn(
    process.execPath,
    [
      '--conditions=@tributary/source',
      '--test',
      `--test-concurrency=${TESTS_AT_ONCE}`,
      '--test-global-setup=./test-support/broker-setup.ts',
      `--test-reporter=${reporter}`,
      '--test-reporter-destination=stdout',
      ...globSync(TEST_FILES, { exclude: ['**/node_modules', '**/dist'] }).toSorted(),
    ],
    // A group of its own: the test runner stops what it started on the first signal and must get only one.
    { stdio: ['ignore', 'inherit', 'inherit'], detached: true },
  )
  interrupted.signal.addEventListener('abort', () => child.kill('SIGTERM'))
  const deadline = setTimeout(() => {
    console.error(`The tests have not ended in ${TESTS_DEADLINE_MS / 60_000} minutes and are interrupted.`)
    child.kill('SIGTERM')
  }, TESTS_DEADLINE_MS)
  return await track(
    new Promise(resolve => {
      child.once('exit', (code, signal) => {
        clearTimeout(deadline)
        resolve(code ?? 128 + constants.signals[signal!])
      })
    }),
  )
}

function track<T>(work: Promise<T>): Promise<T> {
  running.add(work)
  return work.finally(() => running.delete(work))
}
