import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runCli } from '../../src/cli/run.ts'
import { until } from '../../../../test-support/until.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

function folder(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'plug-ins-'))
  t.after(() => rmSync(root, { recursive: true }))
  return {
    root,
    program(path: string, script: string, mode = 0o755): string {
      const file = join(root, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, `#!/bin/sh\n${script}\n`)
      chmodSync(file, mode)
      return file
    },
    async run(args: readonly string[], at = '.', searchPath?: string) {
      const workingDirectory = join(root, at)
      mkdirSync(workingDirectory, { recursive: true })
      let out = ''
      let err = ''
      const code = await runCli(args, {
        workingDirectory,
        searchPath,
        print: text => void (out += text),
        complain: text => void (err += text),
      })
      return { code, out, err }
    },
  }
}

test('a command of no one’s own is the nearest program of that name, with its arguments and exit code', async t => {
  const { root, program, run } = folder(t)
  program('node_modules/.bin/tributary-x', 'echo outer "$@" > said; exit 7')
  program('app/node_modules/.bin/tributary-x', 'echo inner "$@" > said; exit 3')
  program('bin/tributary-y', 'exit 5')
  assert.equal((await run(['x', '--flag', 'two words'], 'app/src')).code, 3)
  assert.ok(existsSync(join(root, 'app/src/said')))
  assert.equal((await run(['x'], 'other')).code, 7)
  assert.equal((await run(['y'], 'app', `/nowhere:${join(root, 'bin')}`)).code, 5)
})

test('what is no program is not run, and the message says where was looked', async t => {
  const { program, run, root } = folder(t)
  program('node_modules/.bin/tributary-notes', 'exit 0', 0o644)
  mkdirSync(join(root, 'node_modules/.bin/tributary-folder'))
  program('tributary-escape', 'exit 0')
  for (const name of ['notes', 'folder', 'absent', '../../tributary-escape', '--version']) {
    const { code, out, err } = await run([name])
    assert.deepEqual([code, out], [2, ''], name)
    assert.ok(err.startsWith(`There is no command ${name}, and no program tributary-${name} in `), err)
    assert.match(err, /Usage: tributary <command>/)
  }
})

test('the help lists the plug-ins that would be run, and none that a command of our own hides', async t => {
  const { program, run } = folder(t)
  program('node_modules/.bin/tributary-far', 'exit 0')
  program('node_modules/.bin/tributary-both', 'exit 0')
  const near = program('app/node_modules/.bin/tributary-both', 'exit 0')
  program('node_modules/.bin/tributary-dlq', 'exit 0')
  const { code, out } = await run(['help'], 'app')
  assert.equal(code, 0)
  const [, list = ''] = out.split('\nPlug-ins:\n')
  assert.deepEqual(
    list
      .trimEnd()
      .split('\n')
      .map(line => line.trim().split(/\s+/)[0]),
    ['both', 'far'],
  )
  assert.ok(list.includes(near))
  assert.equal((await run(['dlq', '--help'], 'app')).out.startsWith('Usage: tributary dlq'), true)
})

test('a plug-in that a signal has ended counts as shells count it, and one sent to us alone is passed on', async t => {
  const { root, program, run } = folder(t)
  program('node_modules/.bin/tributary-dies', 'kill -TERM $$')
  assert.equal((await run(['dies'])).code, 143)
  program(
    'node_modules/.bin/tributary-waits',
    'trap "exit 9" TERM; touch ready; while :; do sleep 0.05; done',
  )
  const child = spawn(process.execPath, ['-C', '@tributary/source', MAIN, 'waits'], {
    cwd: root,
    stdio: 'ignore',
  })
  t.after(() => child.kill('SIGKILL'))
  await until('the plug-in runs', () => existsSync(join(root, 'ready')), { everyMs: 10 })
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'exit'), [9, null])
})

test('a program that cannot be started fails the command with one line', async t => {
  const { root, run } = folder(t)
  const file = join(root, 'node_modules/.bin/tributary-broken')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, '#!/no/such/interpreter\n', { mode: 0o755 })
  const { code, err } = await run(['broken'])
  assert.equal(code, 1)
  assert.match(err, /^\S+tributary-broken cannot be run: .*ENOENT[^\n]*\n$/)
})
