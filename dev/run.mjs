// Starts the repository's commands on a machine that has only Node and npm: installs the dependencies when they are
// missing or not those of the lock file, then runs the command on the Node that is among them. Plain JavaScript
// without imports from npm, because nothing is installed when it starts.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PNPM = 'pnpm@12.21.0'
const MINIMUM_NODE = 20
const ENTRIES = {
  demo: 'dev/demo/main.ts',
  chaos: 'dev/chaos/main.ts',
  drill: 'dev/drill/main.ts',
  'drill-operator': 'dev/operate/main.ts',
  bench: 'bench/src/main.ts',
  test: 'dev/test.ts',
  'test-older-kafka': 'dev/test-older-kafka.ts',
  dashboards: 'dev/dashboards/main.ts',
  screenshots: 'dev/screenshots/main.ts',
  reference: 'dev/reference/main.ts',
  create: 'dev/create/main.ts',
  'dev-up': 'dev/stack-up.ts',
  'dev-down': 'dev/stack-down.ts',
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const node = join(root, 'node_modules', 'node', 'bin', 'node')
const lockFile = join(root, 'pnpm-lock.yaml')
// Inside node_modules, so that it goes when they go.
const installedFile = join(root, 'node_modules', '.tributary-installed')
const logFile = join(root, '.local', 'logs', 'install.log')

const [command, ...args] = process.argv.slice(2)
if (command === undefined || !Object.hasOwn(ENTRIES, command)) {
  fail(`Usage: node dev/run.mjs <${Object.keys(ENTRIES).join(' | ')}> [arguments]`, 2)
}
if (Number(process.versions.node.split('.')[0]) < MINIMUM_NODE) {
  fail(`Node ${MINIMUM_NODE} or later is needed, and this is ${process.versions.node}: install a newer one.`)
}
if (!isInstalled()) await install()
// A Ctrl-C at the terminal reaches the command directly too; the commands know that two at once are one.
const ended = await runToEnd(node, ['-C', '@tributary/source', join(root, ENTRIES[command]), ...args], {
  stdio: 'inherit',
  env: { ...process.env, PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter) },
})
if (ended.error !== undefined) fail(`${node} could not be started: ${ended.error.message}.`)
process.exit(exitCode(ended))

function lockHash() {
  return createHash('sha256').update(readFileSync(lockFile)).digest('hex')
}

function isInstalled() {
  return existsSync(node) && existsSync(installedFile) && readFileSync(installedFile, 'utf8') === lockHash()
}

async function install() {
  const wanted = lockHash()
  // On standard error: standard output is the command's own, and may be read by a program.
  console.error(`Installing the dependencies, which takes a minute the first time (log: ${logFile}) …`)
  mkdirSync(dirname(logFile), { recursive: true })
  const log = openSync(logFile, 'w')
  const ended = await runToEnd('npx', ['--yes', PNPM, 'install', '--frozen-lockfile'], {
    cwd: root,
    stdio: ['ignore', log, log],
    // With CI set pnpm asks nothing, not even whether an old node_modules may go.
    env: { ...process.env, CI: 'true' },
    // A group of its own: npx starts further processes, and a signal must reach them all.
    detached: true,
  })
  closeSync(log)
  if (ended.interruptedBy !== undefined) process.exit(128 + constants.signals[ended.interruptedBy])
  if (ended.error !== undefined) {
    fail(
      `npx, which comes with npm, could not be started (${ended.error.message}): install npm and try again.`,
    )
  }
  if (ended.code !== 0 || !existsSync(node)) {
    fail(
      `The dependencies could not be installed: check the network and npm's registry, and read ${logFile} for the reason.`,
    )
  }
  writeFileSync(installedFile, wanted)
}

/** Passes signals on to the process (to its group when it leads one) until it has ended. */
function runToEnd(executable, argv, options) {
  return new Promise(resolve => {
    let interruptedBy
    const forward = signal => {
      interruptedBy = signal
      if (child.pid !== undefined) process.kill(options.detached ? -child.pid : child.pid, signal)
    }
    // Listened for before the child is there, so that a signal that comes while it starts is not lost on it.
    for (const signal of SIGNALS) process.on(signal, forward)
    const child = spawn(executable, argv, options)
    const settle = outcome => {
      for (const signal of SIGNALS) process.off(signal, forward)
      resolve({ ...outcome, interruptedBy })
    }
    child.once('error', error => settle({ error }))
    child.once('exit', (code, signal) => settle({ code, signal }))
  })
}

function exitCode({ code, signal }) {
  return code ?? 128 + constants.signals[signal]
}

function fail(message, code = 1) {
  console.error(message)
  process.exit(code)
}
