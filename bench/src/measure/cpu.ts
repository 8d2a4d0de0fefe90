import { readFileSync } from 'node:fs'
import { BenchError } from '../bench-error.ts'

/** Linux counts processor time in hundredths of a second for its readers, whatever its own tick (`man 5 proc`, USER_HZ). */
const TICKS_PER_SECOND = 100

/** User and system time of a process so far. */
export function cpuSecondsOf(pid: number): number {
  const text = readProc(`/proc/${pid}/stat`)
  // The name in parentheses may hold spaces; what follows it begins with field 3.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** The most memory that was resident at once (VmHWM), in MiB. */
export function peakRssMiB(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readProc(`/proc/${pid}/status`))?.[1]) / 1_024
}

/** Of all processors, for whatever process, without idling and waiting for disks. */
export function busyCpuSeconds(): number {
  const [user, nice, system, , , irq, softIrq] = readProc('/proc/stat').split('\n')[0]!.split(/\s+/).slice(1)
  return [user, nice, system, irq, softIrq].reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND
}

function readProc(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new BenchError(
      'BENCH_SET_UP',
      `${file} cannot be read; processor time is measured on Linux only.`,
      {
        cause,
      },
    )
  }
}
