import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { createProject } from 'create-tributary'
import { createFromRepository, packPackage } from '../../create/from-repository.ts'
import { repositoryRoot } from '../../stack/repository.ts'
import { until } from '../../../test-support/until.ts'

const run = promisify(execFile)

/** A new user's shell: the Node of this run comes first, and nothing of the repository is in reach. */
function userEnvironment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env }
  // What the test runner, and the npm that may have started it, tell their own children. How this machine reaches the
  // registry (npm_config_registry, NODE_EXTRA_CA_CERTS) stays.
  const told = /^(npm_(?!config_)|npm_config_local_prefix$|INIT_CWD$|NODE_(TEST_CONTEXT|OPTIONS)$)/i
  for (const name of Object.keys(env)) if (told.test(name)) delete env[name]
  const path = (env['PATH'] ?? '').split(':').filter(folder => !folder.includes('node_modules'))
  return { ...env, PATH: [dirname(process.execPath), ...path].join(':') }
}

async function emptyFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-create-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

/** The commands in a page's blocks, without their comments. */
function commandsOf(page: string): string[] {
  return [...page.matchAll(/^```sh.*?\n(.*?)^```$/gms)].flatMap(([, code = '']) =>
    code
      .trimEnd()
      .split('\n')
      .map(line => line.replace(/ +#.*$/, '')),
  )
}

test('a new project is installed, tested and run on a broker by the commands of its README', async t => {
  const env = userEnvironment()
  const name = `greeter-${randomUUID().slice(0, 8)}`
  const { folder } = await createFromRepository(join(await emptyFolder(t), name))
  const say = async (command: string): Promise<string> => {
    const [program = '', ...args] = command.split(' ')
    const { stdout } = await run(program, args, { cwd: folder, env, timeout: 240_000 })
    return stdout
  }
  // The broker is shared with other tests, which may have topics of these names.
  const topology = join(folder, 'src/topology.ts')
  writeFileSync(topology, readFileSync(topology, 'utf8').replaceAll(/(Topic\(')/g, `$1${name}-`))
  const [install, runTests, compose, topics, start, tryIt, ...others] = commandsOf(
    readFileSync(join(folder, 'README.md'), 'utf8'),
  )
  assert.deepEqual(others, [])
  assert.equal(compose, 'docker compose up --detach --wait')

  await say(install!)
  assert.match(await say(runTests!), /^ℹ pass 2$/m)
  assert.match(await say(topics!), /the topics are there/)
  const [program = '', ...args] = start!.split(' ')
  const app = spawn(program, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  t.after(() => {
    if (app.exitCode === null && app.signalCode === null) process.kill(-app.pid!, 'SIGKILL')
  })
  let said = ''
  for (const stream of [app.stdout, app.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  await until('the application runs', () => said.includes('running'))
  assert.match(await say(tryIt!), /^c1: Enjoy Paris, Ada! \(b1\)$/m)
  // As at a terminal, npm is interrupted as well, and may be gone before the application has closed.
  process.kill(-app.pid!, 'SIGINT')
  await until('the application has closed', () => said.includes("state='closed'"))
})

test('a packed create-tributary makes the same project', async t => {
  const folder = await emptyFolder(t)
  const archive = await packPackage('create-tributary', folder)
  const { stdout } = await run(
    'npm',
    ['exec', '--yes', `--package=${archive}`, '--', 'create-tributary', 'made'],
    {
      cwd: folder,
      env: userEnvironment(),
    },
  )
  assert.match(stdout, /made is in /)
  assert.match(readFileSync(join(folder, 'made/.gitignore'), 'utf8'), /node_modules/)
  assert.match(readFileSync(join(folder, 'made/package.json'), 'utf8'), /"@tributary\/topology": "\^0/)
})

test('the tutorial says what the README of a new project says', async t => {
  const { folder } = createProject({ folder: join(await emptyFolder(t), 'greeter'), topology: '*' })
  const known = new Set([
    'npm run create -- ../greeter',
    'cd ../greeter',
    'npm run dev:up',
    ...commandsOf(readFileSync(join(folder, 'README.md'), 'utf8')),
  ])
  const commands = commandsOf(readFileSync(join(repositoryRoot, 'docs/tutorial/index.md'), 'utf8'))
  assert.ok(commands.length > 6)
  assert.deepEqual(
    commands.filter(command => !known.has(command)),
    [],
  )
})
