import assert from 'node:assert/strict'
import { test } from 'node:test'
import { summarize } from '../src/report/summary.ts'
import { runResult as run } from './fixtures.ts'

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
      tributaryTwoProcesses: null,
      ratioDefault: null,
      ratioTuned: null,
      ratioTunedTwoProcesses: null,
      cpuRatio: null,
      memoryRatio: null,
    },
  )
})

test('two processes are held against two threads', () => {
  const summary = summarize(2_000_000, [
    run('tributary', 1, 600_000),
    run('tributary-two-processes', 1, 900_000),
    run('kafka-streams-tuned', 1, 300_000),
  ])
  assert.deepEqual([summary.ratioTuned, summary.ratioTunedTwoProcesses], [2, 3])
})
