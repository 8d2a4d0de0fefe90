import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { parse as parseYaml } from 'yaml'
import { pages, parsePage, repositoryRoot, type CodeBlock, type Page } from './pages.ts'

// A block of code on a page is one of these, or the run fails:
//
//   ```ts [examples/…/topology.ts]   stands word for word in that file, which is compiled and tested where it is
//   ```ts                            the same, if it stands in any file of the examples; otherwise the untitled blocks of
//                                    a page are one module, which is compiled with the page's <!-- ts … --> declarations,
//                                    and run where it asserts something
//   ```sh run                        run, in the repository's folder
//   ```sh not-run: needs a broker    any language: not run, for that reason
//   ```json, ```yaml                 parsed
//   ```                              no code: output, a diagram
//   ```text                          the same, although it looks like a command

const run = promisify(execFile)
const allPages = pages()

interface Placed extends CodeBlock {
  readonly page: Page
}
const blocks: readonly Placed[] = allPages.flatMap(page => page.blocks.map(block => ({ ...block, page })))
const where = ({ page, line }: Placed): string => `${page.file}:${line}`
const normalized = (code: string): string =>
  code
    .split('\n')
    .map(line => line.trim())
    .join('\n')
    .trim()

const examples = globSync(['examples/*/{src,test}/**/*.ts', 'packages/create-tributary/template/**/*.ts'], {
  cwd: repositoryRoot,
  exclude: ['**/node_modules'],
}).map(file => normalized(readFileSync(repositoryRoot + file, 'utf8')))
const isShown = ({ code }: CodeBlock): boolean => examples.some(text => text.includes(normalized(code)))

async function scratch(t: TestContext): Promise<string> {
  const parent = join(repositoryRoot, 'docs/.local')
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, 'code-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

test('a block says what it is', () => {
  assert.ok(blocks.length > 40)
  const unclear = blocks.filter(
    ({ language, isRun, notRunBecause, code }) =>
      notRunBecause === undefined &&
      (!['ts', 'sh', 'json', 'yaml', 'text', ''].includes(language) ||
        (language === 'sh' && !isRun) ||
        (language === '' && /^(npm|npx|node|docker|curl|tributary|kcat|git|cd) /m.test(code))),
  )
  assert.deepEqual(
    unclear.map(where),
    [],
    'neither compiled nor run, and no reason is given: the top of code-blocks.test.ts says how',
  )
  for (const page of allPages)
    assert.equal(page.text.match(/^ *```/gm)?.length ?? 0, page.blocks.length * 2, page.file)
})

test('a block that names a file shows what stands there', () => {
  const titled = blocks.filter(({ language, title }) => language === 'ts' && title !== undefined)
  assert.ok(titled.length > 0)
  const wrong = titled.filter(({ title, code }) => {
    const path = join(repositoryRoot, title!)
    return !existsSync(path) || !normalized(readFileSync(path, 'utf8')).includes(normalized(code))
  })
  assert.deepEqual(
    wrong.map(block => `${where(block)} is not in ${block.title}`),
    [],
  )
})

/** The page's untitled blocks at the lines at which they stand, so that a complaint leads to the page. */
function moduleOf({ blocks: ofPage, declarations }: Page): string | undefined {
  const own = ofPage.filter(
    block => block.language === 'ts' && block.title === undefined && block.notRunBecause === undefined,
  )
  const compiled = own.filter(block => !isShown(block))
  if (compiled.length === 0) return undefined
  const lines: string[] = []
  for (const { line, code } of [...compiled, ...declarations])
    code.split('\n').forEach((text, index) => (lines[line - 1 + index] = text))
  return `${Array.from(lines, text => text ?? '').join('\n')}\nexport {}\n`
}

async function compile(t: TestContext, modules: ReadonlyMap<string, string>): Promise<string> {
  const folder = await scratch(t)
  for (const [file, text] of modules) await writeFile(join(folder, file), text)
  const config = join(folder, 'tsconfig.json')
  const compilerOptions = { rootDir: repositoryRoot, lib: ['ES2024', 'DOM'] }
  await writeFile(
    config,
    JSON.stringify({ extends: join(repositoryRoot, 'tsconfig.json'), compilerOptions, include: ['*.ts'] }),
  )
  const tsc = createRequire(join(repositoryRoot, 'package.json')).resolve('typescript/package.json')
  const complaints = await run(process.execPath, [join(tsc, '../bin/tsc'), '-p', config]).then(
    () => '',
    (error: { readonly stdout: string }) => error.stdout,
  )
  return complaints.replaceAll(/^.*?code-\w+\//gm, '')
}

const moduleName = (file: string): string => `${file.replaceAll(/[/.]/g, '_')}.ts`

test('TypeScript on the pages compiles', async t => {
  const modules = new Map<string, string>()
  for (const page of allPages) {
    const text = moduleOf(page)
    if (text !== undefined) modules.set(moduleName(page.file), text)
  }
  t.diagnostic(`${modules.size} pages have code of their own`)
  assert.ok(modules.size > 2)
  // One that does not, to see that it would be found, with its line.
  const wrong = parsePage(
    'x.md',
    "# X\n\n```ts\nimport { string } from '@tributary/topology'\nstring(1)\n```\n",
  )
  modules.set('x.ts', moduleOf(wrong)!)
  assert.equal(await compile(t, modules), 'x.ts(5,8): error TS2554: Expected 0 arguments, but got 1.\n')
})

// Runs in a test of its own, which looks at what it prints.
const RUN_ELSEWHERE = 'docs/guide/coming-from-kafka-streams.md'

test('programs on the pages run, and what they assert holds', async t => {
  const folder = await scratch(t)
  const programs = allPages.flatMap(page => {
    const text = moduleOf(page)
    return text?.includes("from 'node:assert/strict'") && page.file !== RUN_ELSEWHERE ? [{ page, text }] : []
  })
  assert.ok(programs.length > 5)
  for (const { page, text } of programs) {
    const file = join(folder, moduleName(page.file))
    await writeFile(file, text)
    await t.test(page.file, () => import(file))
  }
})

/** The repository's own programs from their sources, as an installed package would offer them. */
async function pathWithPrograms(t: TestContext): Promise<string> {
  const folder = await scratch(t)
  for (const [name, file] of [
    ['tributary', 'packages/topology/src/cli/main.ts'],
    ['tributary-braze', 'packages/sink-braze/src/cli/main.ts'],
  ] as const) {
    await writeFile(
      join(folder, name),
      `#!/bin/sh\nexec '${process.execPath}' -C @tributary/source '${join(repositoryRoot, file)}' "$@"\n`,
    )
    await chmod(join(folder, name), 0o755)
  }
  return folder
}

const commands = blocks.filter(({ language }) => language === 'sh')
const runnable = commands.filter(({ isRun }) => isRun)

test('commands on the pages run', async t => {
  const programs = await pathWithPrograms(t)
  const env: NodeJS.ProcessEnv = { ...process.env }
  delete env['NODE_TEST_CONTEXT']
  for (const block of runnable) {
    await t.test(where(block), async () => {
      await run('/bin/sh', ['-euc', block.code], {
        cwd: repositoryRoot,
        timeout: 120_000,
        env: { ...env, PATH: [programs, join(repositoryRoot, 'node_modules/.bin'), env['PATH']].join(':') },
      })
    })
  }
})

// Raise it knowingly: each of them is a command that nobody notices when it stops working.
const MOST_NOT_RUN = 40

test('commands that are not run are few, and each has its reason', t => {
  const left = commands.filter(({ notRunBecause }) => notRunBecause !== undefined)
  t.diagnostic(`${runnable.length} blocks are run, ${left.length} are not`)
  for (const block of left) t.diagnostic(`${where(block)} not run: ${block.notRunBecause}`)
  assert.ok(runnable.length > 0)
  assert.ok(left.length <= MOST_NOT_RUN, `${left.length} blocks are not run`)
})

test('JSON and YAML on the pages can be read', () => {
  for (const block of blocks.filter(({ notRunBecause }) => notRunBecause === undefined)) {
    if (block.language === 'json') assert.doesNotThrow(() => JSON.parse(block.code), where(block))
    if (block.language === 'yaml') assert.doesNotThrow(() => parseYaml(block.code) as unknown, where(block))
  }
})
