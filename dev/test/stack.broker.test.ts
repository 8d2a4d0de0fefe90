import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { test } from 'node:test'
import { kafkaAnswers } from '../stack/kafka.ts'
import { createDatabase, dropDatabase, postgresAnswers } from '../stack/postgres.ts'
import { startTimeOf } from '../stack/process-identity.ts'
import { isUp, readRecordedStack, stopRecordedStack } from '../stack/recorded-stack.ts'
import { registryAnswers } from '../stack/registry.ts'
import { startStack, USUAL_PORTS } from '../stack/stack.ts'
import { scratchDirectory, writeScript } from './scratch.ts'

const stackFile = (name: string): string => JSON.stringify(join(import.meta.dirname, '../stack', name))
const noSignal = new AbortController().signal

test(
  'a stack outlives the process that started it, and another one stops all of it',
  { timeout: 120_000 },
  async t => {
    const directory = scratchDirectory(t)
    const stateFile = join(directory, 'stack.json')
    const script = writeScript(
      join(directory, 'up.ts'),
      `import { startStack } from ${stackFile('stack.ts')}
import { writeRecordedStack } from ${stackFile('recorded-stack.ts')}
const logDirectory = ${JSON.stringify(directory)}
const stack = await startStack({ ports: 'free', logDirectory, outlivesParent: true, env: { PATH: process.env.PATH } })
await writeRecordedStack(stack, ${JSON.stringify(stateFile)})
`,
    )
    const starter = spawn(process.execPath, [script], { stdio: 'inherit' })
    assert.equal(await new Promise(resolve => starter.once('exit', resolve)), 0)

    const stack = await readRecordedStack(stateFile)
    assert.ok(stack !== undefined)
    t.after(() => stopRecordedStack(stack, stateFile))
    assert.equal(isUp(stack.record), true)
    assert.deepEqual(Object.keys(stack.logs).toSorted(), ['kafka', 'postgres', 'registry'])
    assert.ok(Object.values(stack.logs).every(file => existsSync(file)))
    const usual = Object.values(USUAL_PORTS).map(port => `:${port}`)
    for (const address of [...stack.kafkaBrokers, stack.registryUrl, stack.databaseUrl]) {
      assert.ok(!usual.some(port => address.includes(port)), address)
    }
    assert.equal(await kafkaAnswers(stack.kafkaBrokers)(noSignal), true)
    assert.equal(await registryAnswers(stack.registryUrl)(noSignal), true)
    assert.equal(await postgresAnswers(stack.databaseUrl)(noSignal), true)

    const stopped = await stopRecordedStack(stack, stateFile)
    assert.deepEqual(stopped.toSorted(), ['Apicurio Registry', 'Kafka', 'Postgres'])
    for (const { name, pid } of stack.record.processes) assert.equal(startTimeOf(pid), undefined, name)
    assert.equal(existsSync(stack.record.dataDirectory), false)
    assert.equal(await readRecordedStack(stateFile), undefined)
    assert.equal(isUp(stack.record), false)
    assert.deepEqual(await stopRecordedStack(stack, stateFile), [])
  },
)

test('servers that the environment names are used as they are', { timeout: 60_000 }, async t => {
  const { KAFKA_BROKERS, SCHEMA_REGISTRY_URL, DATABASE_URL } = process.env
  const stack = await startStack({ ports: 'usual', logDirectory: scratchDirectory(t) })
  t.after(() => stack.stop())
  assert.deepEqual(stack.record.processes, [])
  assert.deepEqual(
    [stack.kafkaBrokers.join(','), stack.registryUrl, stack.databaseUrl],
    [KAFKA_BROKERS, SCHEMA_REGISTRY_URL, DATABASE_URL],
  )
})

test('a named server that does not answer is refused in one sentence', { timeout: 60_000 }, async t => {
  const env = { ...process.env, DATABASE_URL: 'postgres://me:secret@127.0.0.1:1/x' }
  await assert.rejects(startStack({ ports: 'free', logDirectory: scratchDirectory(t), env }), {
    code: 'STACK_UNREACHABLE',
    message:
      'DATABASE_URL names postgres://me:***@127.0.0.1:1/x, which does not answer: start that server, or unset DATABASE_URL to have one started here.',
  })
})

test(
  'where Docker runs and Java does not, the compose file is started and taken down',
  { timeout: 60_000 },
  async t => {
    const directory = scratchDirectory(t)
    const calls = join(directory, 'calls')
    // Stands in for the engine: it has no containers, but answers where the registry's port was asked for.
    writeScript(
      join(directory, 'docker'),
      `#!/bin/sh
echo "$*" >> ${calls}
case "$*" in
  *" up "*) ${process.execPath} -e '
    require("http").createServer((request, response) => response.end("[]")).listen(process.env.REGISTRY_PORT)
  ' & echo $! > ${directory}/pid ;;
  *" logs "*) echo "registry | started"; exec sleep 60 ;;
  *" down "*) kill "$(cat ${directory}/pid)" ;;
esac
`,
    )
    writeScript(join(directory, 'java'), '#!/bin/sh\nexit 1\n')
    const { SCHEMA_REGISTRY_URL: _, JAVA_HOME: __, ...given } = process.env
    const env = { ...given, PATH: [directory, given['PATH']].join(delimiter) }
    const stack = await startStack({ ports: 'free', logDirectory: directory, env })
    const project = stack.record.composeProject
    assert.match(project ?? '', /^tributary-[0-9a-f]{8}$/)
    assert.match(stack.registryUrl, /^http:\/\/127\.0\.0\.1:2\d{4}\/apis\/ccompat\/v7$/)
    assert.equal(stack.logs.registry, join(directory, 'docker.log'))
    await stack.stop()
    const compose = `compose --project-name ${project} --file ${join(import.meta.dirname, '../../docker-compose.yml')}`
    assert.deepEqual(readFileSync(calls, 'utf8').split('\n').slice(0, -1), [
      'info',
      'compose version',
      `${compose} up --detach registry`,
      `${compose} logs --follow --no-color registry`,
      `${compose} down --volumes --timeout 5`,
    ])
    assert.ok(stack.record.processes.every(({ pid }) => startTimeOf(pid) === undefined))
  },
)

test(
  'a database of its own is made for a test and dropped, connections or not',
  { timeout: 60_000 },
  async t => {
    const server = process.env['DATABASE_URL']!
    const name = `Made "by" a test ${process.pid}`
    const url = await createDatabase(server, name)
    t.after(() => dropDatabase(server, name))
    assert.equal(await postgresAnswers(url)(noSignal), true)
    await dropDatabase(server, name)
    await assert.rejects(postgresAnswers(url)(noSignal), { code: '3D000' })
  },
)
