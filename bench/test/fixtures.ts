import type { AxisName } from '../src/growth/axes.ts'
import type { GrowthResult } from '../src/growth/run-growth.ts'
import type { LatencyResult } from '../src/latency/run-latency.ts'
import type { RunResult } from '../src/measure/one-run.ts'
import type { ResultsFile } from '../src/report/results-file.ts'

/** A run that took as long as its records per second say. */
export function runResult(contestant: string, round: number, recordsPerSecond: number): RunResult {
  return {
    contestant,
    round,
    recordsPerSecond,
    wallSeconds: 1,
    cpuSeconds: 1_000_000 / recordsPerSecond,
    cpuSecondsPerMillion: 1_000_000 / recordsPerSecond,
    peakRssMiB: recordsPerSecond / 1_000,
    tablesLoadedSeconds: undefined,
    tableRows: 0,
    tableRowsPerSecond: undefined,
    firstOutputSeconds: 1,
    brokerCpuSeconds: 0,
    foreignCpuSeconds: 0,
    isDisturbed: false,
    outputs: 1,
    sha256: '',
  }
}

export function growthRun(
  axis: AxisName,
  point: number,
  round: number,
  recordsPerSecond: number,
): GrowthResult {
  return { ...runResult('tributary', round, recordsPerSecond), axis, point }
}

export function latencyResult(contestant: string, round: number, p99: number): LatencyResult {
  const events = 1_000
  return { contestant, round, p50: p99 / 2, p99, p999: p99 * 2, max: p99 * 3, events, otherProcessors: 1 }
}

export function resultsFile(kind: string, content: Partial<ResultsFile>): ResultsFile {
  return {
    kind,
    command: `npm run bench -- ${kind}`,
    at: '2026-01-02T03:04:05.000Z',
    machine: {
      processor: 'Example(R) Processor',
      cores: 2,
      memoryGiB: 24,
      system: 'Linux 6',
      node: '24.0.0',
      java: '25',
      brokerJava: '17',
      kafka: '4.3.1',
    },
    commit: { id: 'abc1234', isChanged: false },
    options: {},
    summary: {},
    runs: [],
    ...content,
  }
}
