import { join } from 'node:path'
import { newLogDirectory } from '../dev/stack/log-directory.ts'
import { ProcessGroup } from '../dev/stack/process-group.ts'
import { localDirectory } from '../dev/stack/repository.ts'
import { StackError } from '../dev/stack/stack-error.ts'
import { stackEnvironment, startStack } from '../dev/stack/stack.ts'

// The global setup of a test run: one Kafka, registry and Postgres for all its test files, which find them in
// KAFKA_BROKERS, SCHEMA_REGISTRY_URL and DATABASE_URL. Where the run was started with these variables set, the
// servers that they name are used.

// Every `java` reads it. Brokers that live for a minute or two do not earn back what the second compiler and several threads
// of garbage collection cost: a start takes 8 s of processor time with them and 4 s without.
process.env['JDK_JAVA_OPTIONS'] ??= '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC'

// Every `node` reads it. What one process has stripped of its types and compiled, the hundreds after it need not.
process.env['NODE_COMPILE_CACHE'] ??= join(localDirectory, 'compile-cache')

const group = new ProcessGroup()

export async function globalSetup(): Promise<void> {
  try {
    const stack = await startStack({
      group,
      ports: 'free',
      logDirectory: await newLogDirectory('test'),
      onProgress: progress => {
        if (progress.kind === 'ready') process.stderr.write(`${progress.part} at ${progress.address}\n`)
      },
    })
    Object.assign(process.env, stackEnvironment(stack))
  } catch (error) {
    if (!(error instanceof StackError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  }
}

// The test runner calls this after an interrupt too.
export async function globalTeardown(): Promise<void> {
  await group.stop()
}
