import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ServiceProcesses } from '../../demo/services/service-processes.ts'
import { readReceived, readState } from '../../demo/services/simulator.ts'
import { ProcessGroup } from '../../stack/process-group.ts'
import { scratchDirectory } from '../scratch.ts'

function services(t: TestContext): { group: ProcessGroup; processes: ServiceProcesses; directory: string } {
  const directory = scratchDirectory(t)
  const group = new ProcessGroup()
  t.after(() => group.stop())
  return { group, processes: new ServiceProcesses(group, directory), directory }
}

const simulator = {
  service: 'braze-simulator',
  name: 'simulator-1',
  env: { BRAZE_API_KEY: 'key' },
  isAskedByOthers: false,
}

test('a service answers at its address once it is started, whatever the surroundings set', async t => {
  process.env['SIMULATOR_MAX_OBJECTS'] = 'many'
  t.after(() => delete process.env['SIMULATOR_MAX_OBJECTS'])
  const { processes, directory } = services(t)
  const { name, url, logFile } = await processes.start(simulator)
  assert.equal(name, 'simulator-1')
  assert.equal(logFile, join(directory, 'simulator-1.log'))
  assert.deepEqual(
    processes.started.map(started => [started.name, started.url, started.logFile]),
    [[name, url, logFile]],
  )

  const time = '2025-06-01T00:00:00Z'
  const events = ['e-1', 'e-2'].map(id => ({
    external_id: 'ada',
    name: 'x',
    time,
    properties: { event_id: id },
  }))
  const answer = await fetch(`${url}/users/track`, {
    method: 'POST',
    headers: { authorization: 'Bearer key', 'content-type': 'application/json' },
    body: JSON.stringify({ events, attributes: [{ external_id: 'ada', city: 'Paris' }] }),
  })
  assert.equal(answer.status, 201)
  const state = await readState(url)
  assert.deepEqual([state.requests.total, state.meanFill, state.overlaps.count], [1, 3, 0])
  const received = await readReceived(url, ['ada', 'nobody/else'])
  assert.deepEqual(
    received.events.map(event => event.properties),
    [{ event_id: 'e-1' }, { event_id: 'e-2' }],
  )
  assert.deepEqual(Object.fromEntries(received.attributes), {
    ada: { city: 'Paris' },
    'nobody/else': undefined,
  })
  assert.equal(received.users, 1)
})

test('a service that cannot start is named, with its exit code and the end of its log', async t => {
  const { processes } = services(t)
  await assert.rejects(processes.start({ ...simulator, env: {} }), (error: Error & { code: string }) => {
    assert.equal(error.code, 'DEMO_SERVICE_ENDED')
    assert.match(error.message, /^simulator-1 ended with exit code 1 before it was ready/)
    assert.match(error.message, /simulator-1\.log, ends with:\n {2}braze-simulator: BRAZE_API_KEY is missing/)
    return true
  })
})

test('a service that ends later is named too', async t => {
  const { group, processes } = services(t)
  await processes.start(simulator)
  process.kill(group.processes[0]!.pid, 'SIGKILL')
  await assert.rejects(processes.failure, {
    code: 'DEMO_SERVICE_ENDED',
    message:
      /^simulator-1 ended by SIGKILL while the demo still needed it\.\nIts log, .*simulator-1\.log, ends with:\n/,
  })
})

test('services that are stopped are no failure', async t => {
  const { group, processes } = services(t)
  await processes.start(simulator)
  await group.stop()
  await group.processes[0]!.ended
  const first = await Promise.race([processes.failure, Promise.resolve('nothing failed')])
  assert.equal(first, 'nothing failed')
})

test('a service that others ask is stopped after them', async t => {
  const { group, processes } = services(t)
  const asked = await processes.start({ ...simulator, name: 'asked', isAskedByOthers: true })
  await processes.start(simulator)
  const [asking] = group.processes
  const told: { readonly isAsking: boolean; readonly hasAskingEnded: boolean }[] = []
  const { kill } = process
  t.mock.method(process, 'kill', (pid: number, signal?: NodeJS.Signals | 0) => {
    if (signal === 'SIGTERM')
      told.push({ isAsking: pid === -asking!.pid, hasAskingEnded: asking!.exit !== undefined })
    return kill.call(process, pid, signal)
  })
  await group.stop()
  assert.deepEqual(told, [
    { isAsking: true, hasAskingEnded: false },
    { isAsking: false, hasAskingEnded: true },
  ])
  await assert.rejects(fetch(`${asked.url}/health/live`))
})
