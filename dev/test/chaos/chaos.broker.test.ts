import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { DEPENDENCY_FAULTS, SYSTEM_FAULTS } from '../../chaos/faults.ts'
import { POISON_KINDS } from '../../chaos/load/poison.ts'

/** Of the last line. */
interface Figures extends Record<
  'lost' | 'overtaken' | 'wrong' | 'inputs' | 'outputs' | 'expectedOutputs' | 'duplicates',
  number
> {
  readonly deadLettersByReason: Readonly<Record<string, number>>
  readonly expectedDeadLettersByReason: Readonly<Record<string, number>>
  readonly poison: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<string, number>>
}

const entry = join(import.meta.dirname, '../../chaos/main.ts')

async function chaos(
  t: TestContext,
  ...args: readonly string[]
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const child = spawn(process.execPath, ['-C', '@tributary/source', entry, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', text => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', text => (stderr += text))
  const ended = new Promise<number | null>(resolve => child.once('close', code => resolve(code)))
  t.after(() => {
    child.kill('SIGINT')
    return ended
  })
  await ended
  return { stdout, stderr }
}

/**
 * In half a minute there is time for three of them: a process and a broker that die, and one of the others. Half-open
 * connections are left to `npm run chaos` until what seed 301 has shown is mended (docs/reliability.md).
 */
function faultsOf(seed: number): readonly string[] {
  const elsewhere = ['kill', 'brokerKill', 'halfOpen']
  const others = SYSTEM_FAULTS.filter(kind => !elsewhere.includes(kind))
  return ['kill', 'brokerKill', others[seed % others.length]!, ...DEPENDENCY_FAULTS]
}

/**
 * Its faults and their order follow from the seed, a new one each time, which is in the message of a failure; `CHAOS_SEED` does
 * the same again. What is late is reported by the command and fails nothing here: how fast a busy machine recovers is no
 * matter of a test. `npm run chaos` goes on for as long as it is told to.
 */
test('half a minute in which everything breaks loses nothing, overtakes nothing and gets nothing wrong', async t => {
  const seed = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  const faults = faultsOf(seed).join(',')
  const options = ['--minutes', '0.5', '--seed', String(seed), '--faults', faults, '--json']
  const { stdout, stderr } = await chaos(t, ...options)
  const report = `--seed ${seed}\n${stderr}\n${stdout}`
  const last = stdout.trimEnd().split('\n').at(-1) ?? ''
  assert.match(last, /^\{.*\}$/, report)
  const { lost, overtaken, wrong, inputs, outputs, expectedOutputs, duplicates, ...counts } = JSON.parse(
    last,
  ) as Figures
  assert.deepEqual({ lost, overtaken, wrong }, { lost: 0, overtaken: 0, wrong: 0 }, report)
  assert.equal(outputs, expectedOutputs + duplicates, report)
  assert.deepEqual(counts.deadLettersByReason, counts.expectedDeadLettersByReason, report)
  // One that is sent while a broker dies may never get in.
  assert.ok(Object.keys(counts.poison).length >= POISON_KINDS.length, JSON.stringify(counts.poison))
  assert.ok(inputs > 0, report)
  assert.ok(Object.keys(counts.faults).length > 5, JSON.stringify(counts.faults))
})
