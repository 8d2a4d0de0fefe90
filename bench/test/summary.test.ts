import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RunResult } from '../src/measure/one-run.ts'
import { summarize } from '../src/report/summary.ts'

function run(contestant: string, round: number, recordsPerSecond: number): RunResult {
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

test('we are held against the faster one of the default configurations', () => {
  const runs = [1, 2, 3].flatMap(round => [
    run('tributary', round, 600_000),
    run('kafka-streams', round, 150_000),
    run('kafka-streams-in-memory', round, 200_000),
  ])
  const summary = summarize(2_000_000, runs)
  assert.equal(summary.ratioDefault, 3)
  assert.equal(summary.kafkaStreams?.recordsPerSecond, 200_000)
  assert.equal(summary.cpuRatio, 0.33)
})

test('who did not take part is null, and so are the ratios to them', () => {
  const summary = summarize(1_000, [run('tributary', 1, 600_000)])
  assert.deepEqual(
    { ...summary, tributary: undefined },
    {
      records: 1_000,
      tributary: undefined,
      kafkaStreams: null,
      kafkaStreamsTuned: null,
      handWritten: null,
      ratioDefault: null,
      ratioTuned: null,
      cpuRatio: null,
      memoryRatio: null,
    },
  )
})
