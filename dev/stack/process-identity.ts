import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** A process as it can be written down: the start time tells it from a later one that was given the same id. */
export interface ProcessRecord {
  readonly name: string
  readonly pid: number
  readonly startTime: string
  readonly stopSignal: NodeJS.Signals
}

const POLL_MS = 20

/**
 * When the process was started, in a form that only serves to be compared; undefined when no such process runs.
 * A zombie does not run: in a container whose first process reaps nobody it would stay forever.
 */
export function startTimeOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    const stat = readLinuxStat(pid)
    return stat === undefined || stat.state === 'Z' ? undefined : stat.startTime
  }
  try {
    const output = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { stdio: 'pipe' })
    return output.toString().trim() || undefined
  } catch {
    return undefined
  }
}

export function isStillRunning(record: ProcessRecord): boolean {
  return startTimeOf(record.pid) === record.startTime
}

function readLinuxStat(pid: number): { state: string; startTime: string } | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  // proc(5): the second field is the command in parentheses and may itself hold blanks and parentheses, so the
  // fields are counted from the last one: state is the third field, starttime the 22nd.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0] ?? '', startTime: fields[19] ?? '' }
}

function isAlive(pid: number): boolean {
  if (process.platform === 'linux') return startTimeOf(pid) !== undefined
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Signals the process and all that it started: each of the stack's processes leads a process group. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // ESRCH: the whole group has ended already.
  }
}

/** Asks a group leader to end, waits, and kills what is left of its group after the deadline. */
export async function terminate(pid: number, stopSignal: NodeJS.Signals, deadlineMs: number): Promise<void> {
  signalGroup(pid, stopSignal)
  const hasEnded = await waitUntilGone(pid, deadlineMs)
  signalGroup(pid, 'SIGKILL')
  if (!hasEnded) await waitUntilGone(pid, deadlineMs)
}

async function waitUntilGone(pid: number, deadlineMs: number): Promise<boolean> {
  for (let waitedMs = 0; isAlive(pid); waitedMs += POLL_MS) {
    if (waitedMs >= deadlineMs) return false
    await sleep(POLL_MS)
  }
  return true
}
