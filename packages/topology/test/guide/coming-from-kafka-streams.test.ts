import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../../../', import.meta.url))
const guide = join(root, 'docs/guide')
const page = readFileSync(join(guide, 'coming-from-kafka-streams.md'), 'utf8')
const blocks = [...page.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, code]) => ({
  language,
  code: code ?? '',
}))

/** The blocks in their order as one module, in a folder of the package, so that its own name leads to its sources. */
async function program(t: TestContext): Promise<{ readonly folder: string; readonly file: string }> {
  const scratch = fileURLToPath(new URL('../../.local/', import.meta.url))
  await mkdir(scratch, { recursive: true })
  const folder = await mkdtemp(join(scratch, 'guide-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'page.ts')
  await writeFile(file, blocks.map(({ code }) => code).join('\n'))
  return { folder, file }
}

test('every code block of the page is TypeScript', () => {
  assert.ok(blocks.length > 8)
  assert.deepEqual(
    blocks.filter(({ language }) => language !== 'ts'),
    [],
  )
  assert.equal(page.match(/^```/gm)?.length, blocks.length * 2)
})

test("the page's code compiles", async t => {
  const { folder } = await program(t)
  const config = join(folder, 'tsconfig.json')
  const options = { rootDir: root }
  await writeFile(
    config,
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions: options, include: ['page.ts'] }),
  )
  const tsc = createRequire(join(root, 'package.json')).resolve('typescript/package.json')
  await run(process.execPath, [join(tsc, '../bin/tsc'), '-p', config]).catch(
    (error: { readonly stdout: string }) => assert.fail(error.stdout),
  )
})

test("the page's code does what its assertions say", async t => {
  const { file } = await program(t)
  const { stdout } = await run(process.execPath, ['-C', '@tributary/source', file])
  assert.match(stdout, /^Topologies:\n   Sub-topology: 0\n/)
  assert.match(stdout, /extractor class: one of \[mails-de, mails-fr\]/)
})

test("the page's links lead to files", () => {
  const targets = [...page.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, target]) => target as string)
  assert.ok(targets.length > 0)
  assert.deepEqual(
    targets.filter(target => !existsSync(join(guide, target))),
    [],
  )
})
