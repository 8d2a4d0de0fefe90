import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { findMaven } from './java.ts'
import type { ProcessGroup } from './process-group.ts'
import { localDirectory } from './repository.ts'
import { StackError } from './stack-error.ts'

export interface MavenRun {
  readonly group: ProcessGroup
  readonly env: NodeJS.ProcessEnv
  readonly logDirectory: string
  /** Called only when Maven has to be run, which may take minutes the first time. */
  readonly onFetch?: () => void
}

const cacheDirectory = join(localDirectory, 'maven')
const kafkaPom = join(import.meta.dirname, 'kafka', 'pom.xml')
const registryPom = join(import.meta.dirname, 'registry', 'pom.xml')

/**
 * The jars of a Kafka server as a class path: of the version that is given, else of TRIBUTARY_KAFKA_VERSION (by which
 * the tests run on an older broker), else of the pom's.
 * @throws StackError STACK_MAVEN, STACK_DOWNLOAD
 */
export async function kafkaClassPath(
  run: MavenRun,
  version: string | undefined = run.env['TRIBUTARY_KAFKA_VERSION'] || undefined,
): Promise<string> {
  return await classPath(run, {
    name: 'kafka',
    what: `Kafka ${version ?? (await kafkaVersion())}`,
    pom: kafkaPom,
    ...(version === undefined ? {} : { properties: { 'kafka.version': version } }),
  })
}

export interface ClassPathSpec {
  /** Of its file in the cache. */
  readonly name: string
  /** As messages call it. */
  readonly what: string
  readonly pom: string
  /** Laid over those of the pom. */
  readonly properties?: Readonly<Record<string, string>>
}

/**
 * The jars that a pom depends on as a class path. Resolved once: the answer is kept under the hash of the pom, and asked
 * for again when a jar has gone.
 * @throws StackError STACK_MAVEN, STACK_DOWNLOAD
 */
export async function classPath(run: MavenRun, spec: ClassPathSpec): Promise<string> {
  const properties = Object.entries(spec.properties ?? {}).map(([name, value]) => `-D${name}=${value}`)
  const cached = join(cacheDirectory, `${spec.name}-${await hashOf(spec.pom, ...properties)}.classpath`)
  const known = await readClassPath(cached)
  if (known !== undefined) return known

  const fresh = temporaryName()
  await runMaven(run, {
    what: spec.what,
    pom: spec.pom,
    args: ['dependency:build-classpath', `-Dmdep.outputFile=${fresh}`, ...properties],
  })
  await rename(fresh, cached)
  return (await readClassPath(cached))!
}

/**
 * The folder that Apicurio's distribution was unpacked to.
 * @throws StackError STACK_MAVEN, STACK_DOWNLOAD
 */
export async function registryDistribution(run: MavenRun): Promise<string> {
  const unpacked = join(cacheDirectory, `registry-${await hashOf(registryPom)}`)
  if (existsSync(unpacked)) return unpacked

  const fresh = temporaryName()
  await runMaven(run, {
    what: `Apicurio Registry ${await registryVersion()}`,
    pom: registryPom,
    args: ['dependency:unpack', `-Dstack.output=${fresh}`],
  })
  try {
    await rename(fresh, unpacked)
  } catch (error) {
    // Another run was quicker, and the same files are there.
    if (!existsSync(unpacked)) throw error
    await rm(fresh, { recursive: true, force: true })
  }
  return unpacked
}

export function registryVersion(): Promise<string> {
  return pomProperty(registryPom, 'apicurio.version')
}

export function kafkaVersion(): Promise<string> {
  return pomProperty(kafkaPom, 'kafka.version')
}

async function pomProperty(pom: string, name: string): Promise<string> {
  const value = (await readFile(pom, 'utf8')).split(`<${name}>`)[1]?.split('<')[0]
  if (value === undefined) throw new Error(`${pom} has no property ${name}`)
  return value
}

async function hashOf(pom: string, ...more: string[]): Promise<string> {
  const hash = createHash('sha256').update(await readFile(pom))
  for (const part of more) hash.update('\0').update(part)
  return hash.digest('hex').slice(0, 12)
}

function temporaryName(): string {
  return join(cacheDirectory, `fresh-${randomUUID()}`)
}

async function readClassPath(file: string): Promise<string | undefined> {
  if (!existsSync(file)) return undefined
  const classPath = (await readFile(file, 'utf8')).trim()
  return classPath.split(delimiter).every(jar => existsSync(jar)) ? classPath : undefined
}

async function runMaven(
  run: MavenRun,
  goal: { readonly what: string; readonly pom: string; readonly args: readonly string[] },
): Promise<void> {
  const command = findMaven(run.env)
  run.onFetch?.()
  await mkdir(cacheDirectory, { recursive: true })
  const logFile = join(run.logDirectory, 'maven.log')
  const exit = await run.group.run({
    name: 'Maven',
    command,
    args: ['--batch-mode', '--no-transfer-progress', '--file', goal.pom, ...goal.args],
    logFile,
  })
  if (exit.code !== 0) {
    throw new StackError(
      'STACK_DOWNLOAD',
      `Maven could not fetch ${goal.what}: check the network and Maven's settings.xml, and read ${logFile} for the reason.`,
    )
  }
}
