import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import type { DrillResult } from '../../drill/report.ts'

const entry = join(import.meta.dirname, '../../drill/main.ts')

test('the short drill: everything that Braze can do to the sink comes out as expected', async t => {
  const child = spawn(process.execPath, ['-C', '@tributary/source', entry, '--short', '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', text => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', text => (stderr += text))
  const closed = once(child, 'close')
  t.after(async () => {
    child.kill('SIGINT')
    await closed
  })
  const [code] = (await closed) as [number | null]
  const result = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as DrillResult
  assert.deepEqual(result.failed, [], stderr)
  assert.equal(code, 0)
  assert.ok(result.scenarios >= 25, `${result.scenarios} scenarios`)
  assert.equal(result.passed, result.scenarios)
  assert.deepEqual([result.requestsOverLimit, result.lost, result.userOrderViolations], [0, 0, 0])
  assert.ok((result.meanBatchFill ?? 0) >= 70)
})
