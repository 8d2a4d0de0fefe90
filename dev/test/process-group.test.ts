import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ProcessGroup } from '../stack/process-group.ts'
import { isStillRunning, startTimeOf } from '../stack/process-identity.ts'
import { freePort, isPortFree } from '../stack/ports.ts'
import { scratchDirectory, until, writeScript } from './scratch.ts'

const DEADLINE = { timeout: 20_000 }
const IGNORE_SIGTERM = "trap '' TERM; "

test('a process is started when it is ready, and its output is in its log', DEADLINE, async t => {
  const { group, logFile } = newGroup(t)
  const port = await freePort()
  const listen = `console.log('from', process.env.WHO); require('net').Server().listen(${port}, '127.0.0.1')`
  const child = await group.start({
    name: 'listener',
    command: process.execPath,
    args: ['-e', listen],
    env: { WHO: 'the child' },
    logFile,
    readyWhen: async () => !(await isPortFree(port)),
  })
  assert.equal(child.exit, undefined)
  assert.match(readFileSync(logFile, 'utf8'), /^from the child$/m)
})

test('stopping ends what a process started too, even what ignores SIGTERM', DEADLINE, async t => {
  const directory = scratchDirectory(t)
  const { group, logFile } = newGroup(t)
  const pidFile = join(directory, 'pid')
  const grandchild = `${IGNORE_SIGTERM} echo $$ > ${pidFile}; while :; do sleep 1; done`
  const child = await group.start({
    name: 'parent',
    command: '/bin/sh',
    args: ['-c', `sh -c "${grandchild.replaceAll('$', '\\$')}" & wait`],
    logFile,
    readyWhen: async () => existsSync(pidFile) && readFileSync(pidFile, 'utf8').endsWith('\n'),
  })
  const grandchildPid = Number(readFileSync(pidFile, 'utf8'))
  assert.notEqual(startTimeOf(grandchildPid), undefined)
  await group.stop()
  assert.equal(startTimeOf(child.pid), undefined)
  await until(() => startTimeOf(grandchildPid) === undefined)
})

test('a process that ignores SIGTERM is killed after the deadline', DEADLINE, async t => {
  const { group, logFile } = newGroup(t)
  const child = await group.start({
    name: 'stubborn',
    command: '/bin/sh',
    args: ['-c', `${IGNORE_SIGTERM} echo ready; while :; do sleep 0.05; done`],
    logFile,
    readyWhen: async () => readFileSync(logFile, 'utf8').includes('ready'),
  })
  await child.stop(100)
  assert.deepEqual(await child.ended, { code: null, signal: 'SIGKILL' })
})

test('a process that ends before it is ready is reported with its log', DEADLINE, async t => {
  const { group, logFile } = newGroup(t)
  const starting = group.start({
    name: 'braze-sink',
    command: '/bin/sh',
    args: ['-c', 'exit 3'],
    logFile,
    readyWhen: async () => false,
  })
  await assert.rejects(starting, {
    code: 'STACK_PROCESS_ENDED',
    message: `braze-sink ended with exit code 3 before it was ready: read ${logFile} for the reason.`,
  })
})

test('a process that does not get ready in time is reported with its log', DEADLINE, async t => {
  const { group, logFile } = newGroup(t)
  const starting = group.start({
    name: 'Kafka',
    command: 'sleep',
    args: ['60'],
    logFile,
    readyWhen: async () => Promise.reject(new Error('refused')),
    readyDeadlineMs: 100,
  })
  await assert.rejects(starting, {
    code: 'STACK_NOT_READY',
    message: `Kafka was not ready within 0.1 s: read ${logFile} for the reason.`,
  })
})

test('a command that does not exist is reported', DEADLINE, async t => {
  const { group, logFile } = newGroup(t)
  const starting = group.start({
    name: 'ghost',
    command: join(scratchDirectory(t), 'ghost'),
    logFile,
    outlivesParent: true,
  })
  await assert.rejects(starting, {
    code: 'STACK_PROCESS_ENDED',
    message: /^ghost could not be started: .*ENOENT\.$/,
  })
})

test(
  'a group that is stopped while starting a process leaves nothing and starts nothing more',
  DEADLINE,
  async t => {
    const { group, logFile } = newGroup(t)
    const spec = { name: 'slow', command: 'sleep', args: ['60'], logFile, readyWhen: async () => false }
    const starting = group.start(spec)
    const refused = assert.rejects(starting, { code: 'STACK_STOPPED' })
    await until(() => group.processes.length > 0)
    await group.stop()
    await refused
    assert.ok(group.processes.every(child => startTimeOf(child.pid) === undefined))
    await assert.rejects(group.start(spec), { code: 'STACK_STOPPED' })
  },
)

test(
  'what a group stands on goes after its processes, the last first, and each although another fails',
  DEADLINE,
  async t => {
    const { group, logFile } = newGroup(t)
    const child = await group.start({ name: 'sleeper', command: 'sleep', args: ['60'], logFile })
    const order: string[] = []
    group.defer(async () => {
      order.push(`first deferred, process ${child.exit === undefined ? 'running' : 'ended'}`)
    })
    group.defer(async () => Promise.reject(new Error('second deferred fails')))
    group.defer(async () => {
      order.push('third deferred')
    })
    await assert.rejects(group.stop(), { name: 'AggregateError' })
    await child.ended
    assert.deepEqual(order, ['third deferred', 'first deferred, process ended'])
  },
)

test('a process is told from a later one with the same id', DEADLINE, async t => {
  const { group, logFile } = newGroup(t)
  const child = await group.start({ name: 'sleeper', command: 'sleep', args: ['60'], logFile })
  const record = child.record
  assert.ok(record !== undefined && isStillRunning(record))
  assert.equal(isStillRunning({ ...record, startTime: `${record.startTime}0` }), false)
})

for (const [ending, exit] of [
  ['ends without stopping them', 'process.exit(0)'],
  ['crashes', "throw new Error('crash')"],
  ['is killed', "process.kill(process.pid, 'SIGKILL')"],
] as const) {
  const needsKernel = ending === 'is killed'
  const skip = needsKernel && process.platform !== 'linux' ? 'only Linux tells a child of it' : false
  test(`processes end with a parent that ${ending}`, { ...DEADLINE, skip }, async t => {
    const directory = scratchDirectory(t)
    const pid = Number(await outputOfParent(directory, exit, false))
    await until(() => startTimeOf(pid) === undefined)
  })
}

test('a process that is to outlive its parent does', DEADLINE, async t => {
  const pid = Number(await outputOfParent(scratchDirectory(t), '', true))
  assert.notEqual(startTimeOf(pid), undefined)
  process.kill(-pid, 'SIGKILL')
})

/** Runs a parent that starts one process, prints its id and then ends as told. */
async function outputOfParent(directory: string, exit: string, outlivesParent: boolean): Promise<string> {
  const script = writeScript(
    join(directory, 'parent.ts'),
    // By its first output the command runs, and whoever became it has told the kernel what to do about the parent's end.
    `import { readFileSync } from 'node:fs'
import { ProcessGroup } from ${JSON.stringify(join(import.meta.dirname, '../stack/process-group.ts'))}
const logFile = ${JSON.stringify(join(directory, 'log'))}
const child = await new ProcessGroup().start({
  name: 'sleeper', command: 'sh', args: ['-c', 'echo awake; exec sleep 60'], logFile, outlivesParent: ${outlivesParent},
  readyWhen: async () => readFileSync(logFile, 'utf8').includes('awake'),
})
process.stdout.write(String(child.pid))
${exit}
`,
  )
  const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'ignore'] })
  let output = ''
  for await (const text of parent.stdout.setEncoding('utf8')) output += String(text)
  return output
}

function newGroup(t: Parameters<typeof scratchDirectory>[0]): { group: ProcessGroup; logFile: string } {
  const group = new ProcessGroup()
  const logFile = join(scratchDirectory(t), 'logs', 'process.log')
  // A test that has stopped its group expects what stopping it says.
  t.after(() => group.stop().catch(() => {}))
  return { group, logFile }
}
