import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { findJava } from '../stack/java.ts'
import { kafkaClassPath } from '../stack/maven.ts'
import { ProcessGroup } from '../stack/process-group.ts'
import { startStack } from '../stack/stack.ts'
import { StackError } from '../stack/stack-error.ts'
import { scratchDirectory, writeScript } from './scratch.ts'

const DEADLINE = { timeout: 30_000 }
const OR_ELSE = 'or start a Docker engine, or set KAFKA_BROKERS and SCHEMA_REGISTRY_URL to running servers.'

test(
  'a stack without Java, Maven or Docker is refused in one sentence and leaves nothing running',
  DEADLINE,
  async t => {
    const [temporary, path, logDirectory] = [scratchDirectory(t), scratchDirectory(t), scratchDirectory(t)]
    // As open as the system's own, because Postgres gets there as another user.
    chmodSync(temporary, 0o711)
    const { TMPDIR } = process.env
    process.env['TMPDIR'] = temporary
    t.after(() => {
      if (TMPDIR === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = TMPDIR
    })
    await assert.rejects(startStack({ env: { PATH: path }, ports: 'free', logDirectory }), {
      code: 'STACK_JAVA',
      message: `Kafka needs Java 17 or later, and none was found: install a JDK, ${OR_ELSE}`,
    })
    // Postgres was on its way when Java turned out to be missing.
    const { stdout: commands } = await promisify(execFile)('ps', ['-eo', 'args'])
    assert.ok(!commands.includes(temporary))
    assert.deepEqual(readdirSync(temporary), [])
  },
)

test('a Java that is too old is named', DEADLINE, async t => {
  for (const [printed, version] of [
    ['java version "1.8.0_292"', 8],
    ['openjdk version "11.0.2" 2019-01-15', 11],
  ] as const) {
    const directory = scratchDirectory(t)
    const java = fakeJava(directory, printed)
    await assert.rejects(findJava({ PATH: directory }), {
      code: 'STACK_JAVA',
      message: `Kafka needs Java 17 or later, and ${java} is Java ${version}: install a newer JDK, ${OR_ELSE}`,
    })
  }
})

test('the Java of JAVA_HOME goes before that of the PATH', DEADLINE, async t => {
  const [home, other] = [scratchDirectory(t), scratchDirectory(t)]
  const java = fakeJava(join(home, 'bin'), 'openjdk version "21.0.1" 2023-10-17')
  fakeJava(other, 'openjdk version "17.0.1" 2021-10-19')
  assert.equal(await findJava({ JAVA_HOME: home, PATH: other }), java)
})

test('a java that only says that none is installed counts as none', DEADLINE, async t => {
  const directory = scratchDirectory(t)
  writeScript(join(directory, 'java'), '#!/bin/sh\necho "Unable to locate a Java Runtime." >&2\nexit 1\n')
  await assert.rejects(findJava({ PATH: directory }), { code: 'STACK_JAVA', message: /none was found/ })
})

test('a missing Maven is one sentence', DEADLINE, async t => {
  await assert.rejects(resolve(t, scratchDirectory(t)), {
    code: 'STACK_MAVEN',
    message: `Kafka is fetched with Maven, and no mvn was found on the PATH: install Maven, ${OR_ELSE}`,
  })
})

test('a refused download is one sentence that names the log', DEADLINE, async t => {
  const directory = scratchDirectory(t)
  writeScript(join(directory, 'mvn'), '#!/bin/sh\necho refused\nexit 1\n')
  await assert.rejects(resolve(t, directory), (error: unknown) => {
    assert.ok(error instanceof StackError)
    assert.equal(error.code, 'STACK_DOWNLOAD')
    assert.match(
      error.message,
      /^Maven could not fetch Kafka 0\.0\.0: check the network and Maven's settings\.xml, and read \S+maven\.log for the reason\.$/,
    )
    return true
  })
})

/** A version that no cache holds. */
function resolve(t: TestContext, path: string): Promise<string> {
  const group = new ProcessGroup()
  t.after(() => group.stop())
  return kafkaClassPath({ group, env: { PATH: path }, logDirectory: scratchDirectory(t) }, '0.0.0')
}

function fakeJava(directory: string, version: string): string {
  return writeScript(join(directory, 'java'), `#!/bin/sh\necho '${version}' >&2\n`)
}
