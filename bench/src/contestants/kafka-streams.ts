import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { findJava, findMaven } from '../../../dev/stack/java.ts'
import { BenchError } from '../bench-error.ts'
import type { Ground } from '../ground.ts'
import type { Contestant, ProgramCommand } from './contestant.ts'

const project = join(import.meta.dirname, '..', '..', 'kafka-streams')
/** Where distributions and installers put newer JDKs; a newer one serves Kafka Streams better. */
const NEWER_JAVA = [
  '/usr/lib/jvm/temurin-25-jdk-amd64/bin/java',
  '/usr/lib/jvm/java-25-openjdk-amd64/bin/java',
  '/usr/lib/jvm/java-25-openjdk/bin/java',
]

let built: Promise<string> | undefined

/** `options` as the program's `Main` takes them. */
export function kafkaStreams(
  name: string,
  title: string,
  settings: {
    readonly guarantee?: Contestant['guarantee']
    readonly options: readonly string[]
    /** Of the JVM. Default: none, and then its heap may grow to a quarter of the memory. */
    readonly jvm?: readonly string[]
  },
): Contestant {
  return {
    name,
    title,
    guarantee: settings.guarantee ?? 'at-least-once',
    processes: 1,
    async prepare(ground) {
      const { args, ...command } = await streamsProgram(ground, 'tributary.bench.Main', settings.options)
      return { ...command, args: [...(settings.jvm ?? []), ...args] }
    },
  }
}

/** A class of the project with its arguments; the project is compiled when it is first asked for. */
export async function streamsProgram(
  ground: Ground,
  mainClass: string,
  options: readonly string[],
): Promise<ProgramCommand> {
  built ??= build(ground)
  return {
    command: await streamsJava(),
    args: [
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
      '-cp',
      [join(project, 'target', 'classes'), await built].join(delimiter),
      mainClass,
      ...options,
    ],
  }
}

/** Java 25 where it is found, else what the servers run on. BENCH_JAVA names another. */
export async function streamsJava(): Promise<string> {
  return (
    process.env['BENCH_JAVA'] ?? NEWER_JAVA.find(java => existsSync(java)) ?? (await findJava(process.env))
  )
}

/** Compiles the project; Maven itself knows what is up to date. The class path of what it stands on. */
async function build(ground: Ground): Promise<string> {
  const classPathFile = join(project, 'target', 'classpath.txt')
  const logFile = join(ground.logDirectory, 'maven-kafka-streams.log')
  const exit = await ground.group.run({
    name: 'Maven',
    command: findMaven(process.env),
    args: [
      '--batch-mode',
      '--no-transfer-progress',
      '--file',
      join(project, 'pom.xml'),
      'compile',
      'dependency:build-classpath',
      `-Dmdep.outputFile=${classPathFile}`,
    ],
    logFile,
  })
  if (exit.code !== 0) {
    throw new BenchError(
      'BENCH_SET_UP',
      `The Kafka Streams project could not be built: read ${logFile} for the reason.`,
    )
  }
  return (await readFile(classPathFile, 'utf8')).trim()
}
