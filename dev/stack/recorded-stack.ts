import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { composeDown } from './compose.ts'
import { isStillRunning, terminate } from './process-identity.ts'
import { localDirectory } from './repository.ts'
import type { Stack, StackRecord } from './stack.ts'

/** A stack that was left running, as its file tells it. */
export type RecordedStack = Omit<Stack, 'stop'>

const stateFile = join(localDirectory, 'dev-stack.json')
const STOP_DEADLINE_MS = 10_000

export async function readRecordedStack(file: string = stateFile): Promise<RecordedStack | undefined> {
  if (!existsSync(file)) return undefined
  return JSON.parse(await readFile(file, 'utf8')) as RecordedStack
}

export async function writeRecordedStack(stack: RecordedStack, file: string = stateFile): Promise<void> {
  const { kafkaBrokers, registryUrl, databaseUrl, logs, record } = stack
  await mkdir(dirname(file), { recursive: true })
  // Renamed into place, so that a reader never finds half of it.
  const fresh = `${file}.${process.pid}`
  await writeFile(fresh, JSON.stringify({ kafkaBrokers, registryUrl, databaseUrl, logs, record }, null, 2))
  await rename(fresh, file)
}

/** Whether the stack has processes of its own, and each is still that process. */
export function isUp(record: StackRecord): boolean {
  return record.processes.length > 0 && record.processes.every(isStillRunning)
}

/** Stops what is still running of a stack, removes its data and its file; returns the names of what it stopped. */
export async function stopRecordedStack(stack: RecordedStack, file: string = stateFile): Promise<string[]> {
  const { processes, dataDirectory, composeProject } = stack.record
  const running = processes.filter(isStillRunning)
  await Promise.all(running.map(child => terminate(child.pid, child.stopSignal, STOP_DEADLINE_MS)))
  if (composeProject !== undefined) await composeDown(composeProject, process.env)
  await rm(dataDirectory, { recursive: true, force: true, maxRetries: 3 })
  await rm(file, { force: true })
  return running.map(child => child.name)
}
