import type { AppOptions } from '../config.ts'
import { APP_METRICS } from '../observability/app-metric-catalog.ts'
import type { CounterSnapshot, Counters } from '../observability/counters.ts'
import type { Histogram } from '../observability/histogram.ts'
import { MetricSet, type MetricFamily } from '../observability/metric.ts'
import type { CompiledStep, CompiledTopology } from '../plan/compiled.ts'
import type { AppStats } from './app.ts'
import { APP_STATES } from './lifecycle.ts'
import type { OpenApplication } from './open-application.ts'
import type { TablePartitionStats } from './tables/tables.ts'
import { TABLE_STATES } from './tables/table-state.ts'

export interface AppMetricsOptions {
  readonly topology: CompiledTopology
  readonly options: AppOptions
  readonly stats: AppStats
  readonly isReady: boolean
  readonly counters: Counters
  readonly loopDelays: Histogram
  readonly open: OpenApplication | undefined
}

type AppMetricSet = MetricSet<typeof APP_METRICS>

/** What `APP_METRICS` lists, as it is now. */
export function appMetrics(from: AppMetricsOptions): readonly MetricFamily[] {
  const set = new MetricSet(APP_METRICS)
  addApplication(set, from)
  addTopicShares(set, from.open)
  addSources(set, from.stats)
  addSteps(set, from)
  addReasons(set, from.stats.counters)
  addTables(set, from.stats)
  addEnrichments(set, from)
  addOutputs(set, from.counters)
  addDeliveries(set, from)
  return set.families()
}

function addApplication(
  set: AppMetricSet,
  { topology, options, stats, isReady, loopDelays, counters }: AppMetricsOptions,
): void {
  const { guarantee, groupProtocol: group_protocol } = options
  set.add('tributary_application_info', { application: topology.name, guarantee, group_protocol }, 1)
  set.addStates(
    'tributary_application_state',
    stats.state,
    APP_STATES.map(state => ({ state, labels: { state } })),
  )
  set.add('tributary_ready', {}, isReady ? 1 : 0)
  set.add('tributary_tasks', {}, stats.tasks.length)
  set.add('tributary_in_flight_records', {}, sum(stats.tasks.map(({ inFlight }) => inFlight)))
  set.add('tributary_in_flight_bytes', {}, sum(stats.tasks.map(({ inFlightBytes }) => inFlightBytes)))
  set.add('tributary_commits_total', { result: 'committed' }, stats.commits)
  set.add('tributary_commits_total', { result: 'put-off' }, counters.commitFailures)
  set.add('tributary_commits_total', { result: 'aborted' }, stats.aborts)
  for (const [event, count] of Object.entries(stats.counters.rebalances))
    set.add('tributary_rebalances_total', { event }, count)
  set.add('tributary_event_loop_delay_seconds', {}, loopDelays.snapshot())
}

function addTopicShares(set: AppMetricSet, open: OpenApplication | undefined): void {
  for (const { topic, partitions, owned } of open?.assignment.topicShares() ?? []) {
    set.add('tributary_source_topic_partitions', { topic }, partitions)
    set.add('tributary_source_owned_partitions', { topic }, owned)
  }
}

function addSources(set: AppMetricSet, { tasks }: AppStats): void {
  for (const source of tasks.flatMap(({ sources }) => sources)) {
    const labels = { topic: source.topic, partition: String(source.partition) }
    if (source.lag >= 0) {
      set.add('tributary_source_lag_records', labels, source.lag)
      set.add('tributary_source_lag_seconds', labels, source.lagMs / 1_000)
      set.add('tributary_source_end_offset', labels, source.highWatermark)
    }
    if (source.committed !== undefined) set.add('tributary_source_committed_offset', labels, source.committed)
    set.add('tributary_source_commit_age_seconds', labels, source.commitAgeMs / 1_000)
    set.add('tributary_source_buffered_bytes', labels, source.bufferedBytes)
    set.add('tributary_source_paused', labels, source.isPaused ? 1 : 0)
  }
}

/** A step counts what it hands on. What came in is what was handed on or ended there, unless it is counted, too. */
function addSteps(set: AppMetricSet, { topology, stats, counters }: AppMetricsOptions): void {
  const endedAt = (name: string): number =>
    sum(Object.values(stats.counters.drops[name] ?? {})) +
    sum(Object.values(stats.counters.deadLettersByStep[name] ?? {}))
  const outs = new Map<string, number>()
  for (const step of topology.steps) {
    const { name, kind, topic } = step
    const counts = counters.step(name)
    const out = outOf(step, { steps: topology.steps, outs, counters, endedAt })
    outs.set(name, out)
    // What cannot be read has not reached the source's step yet, and is told by the topic.
    const ended = topic === undefined || topic === name ? endedAt(name) : endedAt(name) + endedAt(topic)
    set.add('tributary_step_records_in_total', { step: name, kind }, counts.in > 0 ? counts.in : out + ended)
    set.add('tributary_step_records_out_total', { step: name, kind }, out)
    if (step.table !== undefined) addLookups(set, step as JoinStep, { out, misses: counts.misses })
  }
}

interface Flow {
  readonly steps: readonly CompiledStep[]
  /** Of the steps before. */
  readonly outs: ReadonlyMap<string, number>
  readonly counters: Counters
  readonly endedAt: (name: string) => number
}

/** A split and a merge only direct records: what went through them is counted beside them. */
function outOf({ name, kind, inputs }: CompiledStep, { steps, outs, counters, endedAt }: Flow): number {
  if (kind === 'merge') return sum(inputs.map(input => outs.get(input) ?? 0))
  if (kind !== 'split') return counters.step(name).out
  const branches = steps.filter(step => step.inputs.includes(name))
  return sum(branches.map(branch => counters.step(branch.name).out + endedAt(branch.name)))
}

type JoinStep = CompiledStep & { readonly table: string }

function addLookups(
  set: AppMetricSet,
  { name: step, table, isLeftJoin }: JoinStep,
  { out, misses }: { readonly out: number; readonly misses: number },
): void {
  // A left join's joiner may have thrown after a miss: then that one is missing among what came out.
  const hits = isLeftJoin ? Math.max(0, out - misses) : out
  set.add('tributary_join_lookups_total', { step, table, result: 'hit' }, hits)
  set.add('tributary_join_lookups_total', { step, table, result: 'miss' }, misses)
}

function addReasons(set: AppMetricSet, { drops, deadLettersByStep, parked }: CounterSnapshot): void {
  for (const [step, reasons] of Object.entries(drops))
    for (const [reason, count] of Object.entries(reasons))
      set.add('tributary_dropped_records_total', { step, reason }, count)
  for (const [step, codes] of Object.entries(deadLettersByStep))
    for (const [code, count] of Object.entries(codes))
      set.add('tributary_dead_letters_total', { step, code }, count)
  for (const [step, { waiting, resumed, timedOut }] of Object.entries(parked)) {
    set.add('tributary_join_waiting_records', { step }, waiting)
    set.add('tributary_join_waited_records_total', { step, outcome: 'resumed' }, resumed)
    set.add('tributary_join_waited_records_total', { step, outcome: 'timed-out' }, timedOut)
  }
}

function addTables(set: AppMetricSet, { tables }: AppStats): void {
  for (const stats of tables) {
    const { table } = stats
    set.addStates(
      'tributary_table_state',
      stats.state,
      TABLE_STATES.map(state => ({ state, labels: { table, state } })),
    )
    set.add('tributary_table_rows', { table }, stats.rows)
    set.add('tributary_table_bytes', { table }, stats.bytes)
    set.add('tributary_table_lag_records', { table }, stats.lag)
    set.add('tributary_table_load_ratio', { table }, loadRatio(stats.partitions))
    set.add('tributary_table_staleness_seconds', { table }, stats.stalenessMs / 1_000)
    set.add('tributary_table_restarts_total', { table }, stats.restarts)
    set.add('tributary_table_skipped_records_total', { table, reason: 'null-key' }, stats.nullKeys)
    set.add('tributary_table_skipped_records_total', { table, reason: 'malformed' }, stats.malformed)
    set.add(
      'tributary_table_misplaced_rows',
      { table },
      sum(stats.partitions.map(({ misplaced }) => misplaced)),
    )
  }
}

function loadRatio(partitions: readonly TablePartitionStats[]): number {
  if (partitions.length === 0) return 1
  return sum(partitions.map(loadRatioOf)) / partitions.length
}

function loadRatioOf({ state, position, endOffset }: TablePartitionStats): number {
  if (state === 'live' || state === 'stale') return 1
  if (endOffset <= 0) return 0
  return Math.min(1, position / endOffset)
}

function addEnrichments(set: AppMetricSet, { topology, counters, open }: AppMetricsOptions): void {
  const stages = (open?.assignment.tasksAtWork ?? []).flatMap(task => task.stages)
  for (const { name: step, kind } of topology.steps) {
    if (kind !== 'enrich') continue
    const { calls, failures, retries, duration } = counters.enrich(step)
    const ofStep = stages.filter(stage => stage.step === step)
    set.add('tributary_enrich_in_flight_calls', { step }, sum(ofStep.map(({ inFlight }) => inFlight)))
    set.add('tributary_enrich_waiting_records', { step }, sum(ofStep.map(({ waiting }) => waiting)))
    set.add('tributary_enrich_calls_total', { step }, calls)
    set.add('tributary_enrich_failures_total', { step }, failures)
    set.add('tributary_enrich_retries_total', { step }, retries)
    set.add('tributary_enrich_call_duration_seconds', { step }, duration.snapshot())
  }
}

function addOutputs(set: AppMetricSet, { outputs }: Counters): void {
  for (const [topic, { records, batches, bytes, latency }] of outputs) {
    set.add('tributary_output_records_total', { topic }, records)
    set.add('tributary_output_batches_total', { topic }, batches)
    set.add('tributary_output_bytes_total', { topic }, bytes)
    set.add('tributary_output_latency_seconds', { topic }, latency.snapshot())
  }
}

function addDeliveries(set: AppMetricSet, { open }: AppMetricsOptions): void {
  for (const [step, { stats, latency, callDuration }] of open?.deliveries ?? []) {
    set.add('tributary_delivery_pending_records', { step }, stats.pending)
    set.add('tributary_delivery_sendable_records', { step }, stats.sendable)
    set.add('tributary_delivery_in_flight_batches', { step }, stats.batchesInFlight)
    set.add('tributary_delivery_calls_total', { step }, stats.calls)
    set.add('tributary_delivery_call_failures_total', { step }, stats.callFailures)
    set.add('tributary_delivery_sent_records_total', { step }, stats.itemsSent)
    set.add('tributary_delivery_retried_records_total', { step }, stats.itemRetries)
    for (const outcome of ['accepted', 'skipped', 'rejected'] as const)
      set.add('tributary_delivery_settled_records_total', { step, outcome }, stats[outcome])
    set.add('tributary_delivery_call_duration_seconds', { step }, callDuration.snapshot())
    set.add('tributary_delivery_latency_seconds', { step }, latency.snapshot())
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
