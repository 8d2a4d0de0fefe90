import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { StackError } from './stack-error.ts'

/** What Kafka 4 and Apicurio 2.6 are compiled for. */
export const MINIMUM_JAVA = 17

const OR_ELSE = 'or start a Docker engine, or set KAFKA_BROKERS and SCHEMA_REGISTRY_URL to running servers'

/**
 * The `java` of JAVA_HOME, else the one on the PATH.
 * @throws StackError STACK_JAVA when there is none, or one that is too old.
 */
export async function findJava(env: NodeJS.ProcessEnv): Promise<string> {
  const home = env['JAVA_HOME']
  const java = (home ? executableIn(join(home, 'bin'), 'java') : undefined) ?? findOnPath('java', env)
  // macOS has a `java` that only says that none is installed, so what counts is that it tells its version.
  const version = java === undefined ? undefined : await majorVersionOf(java)
  if (java === undefined || version === undefined) {
    throw new StackError(
      'STACK_JAVA',
      `Kafka needs Java ${MINIMUM_JAVA} or later, and none was found: install a JDK, ${OR_ELSE}.`,
    )
  }
  if (version < MINIMUM_JAVA) {
    throw new StackError(
      'STACK_JAVA',
      `Kafka needs Java ${MINIMUM_JAVA} or later, and ${java} is Java ${version}: install a newer JDK, ${OR_ELSE}.`,
    )
  }
  return java
}

/** @throws StackError STACK_MAVEN */
export function findMaven(env: NodeJS.ProcessEnv): string {
  const maven = findOnPath('mvn', env)
  if (maven === undefined) {
    throw new StackError(
      'STACK_MAVEN',
      `Kafka is fetched with Maven, and no mvn was found on the PATH: install Maven, ${OR_ELSE}.`,
    )
  }
  return maven
}

function findOnPath(command: string, env: NodeJS.ProcessEnv): string | undefined {
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    const file = folder === '' ? undefined : executableIn(folder, command)
    if (file !== undefined) return file
  }
  return undefined
}

function executableIn(folder: string, command: string): string | undefined {
  const file = join(folder, command)
  try {
    accessSync(file, constants.X_OK)
    return file
  } catch {
    return undefined
  }
}

async function majorVersionOf(java: string): Promise<number | undefined> {
  try {
    const { stderr } = await promisify(execFile)(java, ['-version'])
    // `openjdk version "17.0.15" …`; up to Java 8 it was `"1.8.0_292"`.
    const found = /version "(?:1\.)?(\d+)/.exec(stderr)
    return found === null ? undefined : Number(found[1])
  } catch {
    return undefined
  }
}
