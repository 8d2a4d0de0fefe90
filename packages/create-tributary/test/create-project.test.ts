import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import { CreateError, createProject } from '../src/create-project.ts'

const run = promisify(execFile)
const repository = fileURLToPath(new URL('../../../', import.meta.url))
const template = fileURLToPath(new URL('../template/', import.meta.url))
const read = (path: string): string => readFileSync(path, 'utf8')

function emptyFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'create-tributary-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('a project has the name of its folder, for its package and its application', t => {
  const { folder, name, files } = createProject({
    folder: join(emptyFolder(t), 'greeter'),
    topology: '^1.2.3',
  })
  assert.equal(name, 'greeter')
  const manifest = JSON.parse(read(join(folder, 'package.json'))) as {
    readonly name: string
    readonly dependencies: Readonly<Record<string, string>>
  }
  assert.equal(manifest.name, 'greeter')
  assert.deepEqual(manifest.dependencies, { '@tributary/topology': '^1.2.3' })
  assert.match(read(join(folder, 'src/topology.ts')), /topology\('greeter'\)/)
  assert.equal(read(join(folder, '.gitignore')), 'node_modules/\n')
  for (const file of files)
    assert.doesNotMatch(read(join(folder, file)), /my-topology|TOPOLOGY_SPECIFIER/, file)
  assert.ok(files.includes('tsconfig.json') && files.includes('test/topology.test.ts'))
})

test('a folder that holds something is left alone, one with a new repository is taken', t => {
  const folder = join(emptyFolder(t), 'taken')
  mkdirSync(join(folder, '.git'), { recursive: true })
  writeFileSync(join(folder, 'notes.txt'), 'mine')
  const create = () => createProject({ folder, topology: '*' })
  assert.throws(
    create,
    (error: unknown) => error instanceof CreateError && /is not empty/.test(error.message),
  )
  assert.equal(read(join(folder, 'notes.txt')), 'mine')
  rmSync(join(folder, 'notes.txt'))
  assert.doesNotThrow(create)
})

test('a folder whose name cannot be a package is refused before anything is written', t => {
  const parent = emptyFolder(t)
  for (const name of ['My Project', '.hidden', 'ümlaut'])
    assert.throws(() => createProject({ folder: join(parent, name), topology: '*' }), /allowed are/)
})

test('the command says what it has made, and what it takes', async t => {
  const parent = emptyFolder(t)
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
  const create = (...args: string[]) =>
    run(process.execPath, [main, ...args], { cwd: parent }).then(
      ({ stdout }) => ({ code: 0, stdout, stderr: '' }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    )
  const made = await create('greeter')
  assert.match(made.stdout, /cd greeter\n {2}npm install\n {2}npm test/)
  const { version } = JSON.parse(read(join(template, '../package.json'))) as { readonly version: string }
  assert.match(
    read(join(parent, 'greeter/package.json')),
    new RegExp(`"@tributary/topology": "\\^${version}"`),
  )
  const again = await create('greeter')
  assert.equal(again.code, 1)
  assert.match(again.stderr, /is not empty/)
  assert.equal((await create()).code, 2)
})

test('the template has the versions that the repository is tested with', () => {
  const { devDependencies, engines } = JSON.parse(read(join(template, '_package.json'))) as {
    readonly devDependencies: Readonly<Record<string, string>>
    readonly engines: { readonly node: string }
  }
  const { catalog } = parse(read(join(repository, 'pnpm-workspace.yaml'))) as {
    readonly catalog: Readonly<Record<string, string>>
  }
  for (const [name, range] of Object.entries(devDependencies)) assert.equal(range, catalog[name], name)
  const library = JSON.parse(read(join(repository, 'packages/topology/package.json'))) as typeof engines & {
    readonly engines: { readonly node: string }
  }
  assert.equal(engines.node, library.engines.node)
})

test("the template's Kafka and registry are those of the repository's compose file", () => {
  interface Compose {
    readonly services: Readonly<Record<string, { readonly image: string; readonly healthcheck: unknown }>>
  }
  const own = parse(read(join(template, 'compose.yaml'))) as Compose
  const repositorys = parse(read(join(repository, 'docker-compose.yml')), { merge: true }) as Compose
  assert.deepEqual(Object.keys(own.services), ['kafka', 'registry'])
  for (const [name, { image, healthcheck }] of Object.entries(own.services)) {
    assert.equal(image, repositorys.services[name]?.image)
    assert.deepEqual(healthcheck, repositorys.services[name]?.healthcheck)
  }
})
