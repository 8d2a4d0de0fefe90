import assert from 'node:assert/strict'
import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startTimeOf } from '../stack/process-identity.ts'
import { scratchDirectory, until, writeScript } from './scratch.ts'

const DEADLINE = { timeout: 20_000 }

// The script runs in a copy of the repository's outline, with an npx that "installs" a Node that tells how it was
// called. It is started by the Node of this test.

test('the first command installs, later ones only when the lock file has changed', DEADLINE, t => {
  const repository = newRepository(t)
  assert.equal(run(repository, ['dev-down']).status, 0)
  assert.equal(run(repository, ['dev-down']).status, 0)
  assert.deepEqual(installs(repository), ['--yes pnpm@12.21.0 install --frozen-lockfile CI=true'])
  writeFileSync(join(repository, 'pnpm-lock.yaml'), 'another')
  assert.equal(run(repository, ['dev-down']).status, 0)
  assert.equal(installs(repository).length, 2)
  assert.match(readFileSync(join(repository, '.local/logs/install.log'), 'utf8'), /installing/)
})

test('a command runs on the installed Node, with its arguments and the tools on its path', DEADLINE, t => {
  const repository = newRepository(t)
  const { stdout, stderr, status } = run(repository, ['demo', '--events', '5', '--json', 'a b'])
  const bin = join(repository, 'node_modules', '.bin')
  assert.deepEqual(stdout.split('\n').slice(0, -1), [
    '-C',
    '@tributary/source',
    join(repository, 'dev/demo/main.ts'),
    '--events',
    '5',
    '--json',
    'a b',
    `PATH=${bin}`,
  ])
  // Only the command itself writes to standard output, whose last line a program may read.
  assert.match(stderr, /^Installing the dependencies/)
  assert.equal(status, 0)
})

test("a command's exit code is passed on", DEADLINE, t => {
  const repository = newRepository(t)
  assert.equal(run(repository, ['test'], { EXIT_CODE: '7' }).status, 7)
})

test('a signal is passed on, and how the command ends by it', DEADLINE, async t => {
  const repository = newRepository(t)
  run(repository, ['dev-up'])
  const child = spawn(process.execPath, [join(repository, 'dev/run.mjs'), 'dev-up'], {
    env: environment(repository, { WAIT: '1' }),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => {
    // What it started holds the pipe, and would keep this process waiting for more.
    child.stdout.destroy()
    child.kill('SIGKILL')
  })
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  let output = ''
  child.stdout.setEncoding('utf8').on('data', text => (output += text))
  await until(() => output.includes('waiting'))
  child.kill('SIGTERM')
  assert.equal(await ended, 33)
  assert.match(output, /got SIGTERM/)
})

test('an installation that fails is one sentence that names the log, and is tried again', DEADLINE, t => {
  const repository = newRepository(t)
  const failed = run(repository, ['test'], { FAIL_INSTALL: '1' })
  assert.equal(failed.status, 1)
  const log = join(repository, '.local/logs/install.log')
  assert.equal(
    failed.stderr.split('\n')[1],
    `The dependencies could not be installed: check the network and npm's registry, and read ${log} for the reason.`,
  )
  assert.equal(failed.stdout, '')
  assert.equal(run(repository, ['test']).status, 0)
  assert.equal(installs(repository).length, 2)
})

test('an interrupted installation ends with what npx started', DEADLINE, async t => {
  const repository = newRepository(t)
  const child = spawn(process.execPath, [join(repository, 'dev/run.mjs'), 'test'], {
    env: environment(repository, { HANG_INSTALL: '1' }),
    stdio: 'ignore',
  })
  t.after(() => child.kill('SIGKILL'))
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  const pidFile = join(repository, 'install-pid')
  const pid = await until(() => existsSync(pidFile) && Number(readFileSync(pidFile, 'utf8')))
  child.kill('SIGINT')
  assert.equal(await ended, 130)
  await until(() => startTimeOf(pid) === undefined)
})

test('an unknown command is refused before anything is installed', DEADLINE, t => {
  const repository = newRepository(t)
  for (const args of [[], ['deploy'], ['constructor']]) {
    const refused = run(repository, args)
    assert.equal(refused.status, 2)
    assert.match(refused.stderr, /^Usage: node dev\/run\.mjs <demo \| .* \| dev-down> \[arguments\]\n$/)
  }
  assert.deepEqual(installs(repository), [])
})

function newRepository(t: TestContext): string {
  const repository = scratchDirectory(t)
  mkdirSync(join(repository, 'dev'))
  copyFileSync(join(import.meta.dirname, '../run.mjs'), join(repository, 'dev/run.mjs'))
  writeFileSync(join(repository, 'pnpm-lock.yaml'), 'one')
  writeScript(
    join(repository, 'fake-bin/npx'),
    `#!/bin/sh
echo "$* CI=$CI" >> ${repository}/installs
echo installing
[ -n "$FAIL_INSTALL" ] && exit 1
if [ -n "$HANG_INSTALL" ]; then sh -c 'echo $$ > ${repository}/install-pid; exec sleep 60'; fi
mkdir -p ${repository}/node_modules/node/bin
cp ${repository}/fake-node ${repository}/node_modules/node/bin/node
`,
  )
  writeScript(
    join(repository, 'fake-node'),
    `#!/bin/sh
if [ -n "$WAIT" ]; then
  sleep 60 > /dev/null &
  trap "kill $!; echo got SIGTERM; exit 33" TERM
  echo waiting
  wait
fi
for argument in "$@"; do echo "$argument"; done
echo "PATH=\${PATH%%:*}"
exit \${EXIT_CODE:-0}
`,
  )
  return repository
}

function environment(repository: string, more: Record<string, string>): NodeJS.ProcessEnv {
  return { PATH: [join(repository, 'fake-bin'), process.env['PATH']].join(delimiter), ...more }
}

function run(repository: string, args: string[], env: Record<string, string> = {}): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [join(repository, 'dev/run.mjs'), ...args], {
    env: environment(repository, env),
    encoding: 'utf8',
  })
}

function installs(repository: string): string[] {
  const file = join(repository, 'installs')
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
}
