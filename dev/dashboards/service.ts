import type { Dashboard, Panel } from './dashboard.ts'

const J = '{job=~"$job"}'

const quantile = (q: number, metric: string, by: string): string =>
  `histogram_quantile(${q}, sum by (job, ${by}, le) (rate(${metric}_bucket${J}[$__rate_interval])))`

const rate = (metric: string, by: string): string =>
  `sum by (job, ${by}) (rate(${metric}${J}[$__rate_interval]))`

export const loopDelay: Panel = {
  title: 'Event loop delay, p99',
  description: 'Above a quarter of a second the process is held up by something synchronous.',
  unit: 's',
  queries: [
    {
      expr: quantile(0.99, 'tributary_event_loop_delay_seconds', 'instance'),
      legend: '{{job}} {{instance}}',
    },
  ],
}

export const memory: Panel = {
  title: 'Memory',
  description: 'Rows of tables and fetched batches are outside the JavaScript heap.',
  unit: 'bytes',
  queries: [
    { expr: `process_resident_memory_bytes${J}`, legend: '{{instance}} resident' },
    { expr: `nodejs_heap_size_used_bytes${J}`, legend: '{{instance}} heap' },
  ],
}

export const cpu: Panel = {
  title: 'CPU',
  description: 'Cores. A process has one for its own code.',
  unit: 'short',
  queries: [
    { expr: `rate(process_cpu_seconds_total${J}[$__rate_interval])`, legend: '{{job}} {{instance}}' },
  ],
}

export const unownedPartitions: Panel = {
  title: 'Partitions that nobody has',
  description:
    'What waits in them is in no process’s lag. After the end of a process: until its session ends.',
  unit: 'none',
  queries: [
    {
      expr: `max by (job, topic) (tributary_source_topic_partitions${J}) - sum by (job, topic) (tributary_source_owned_partitions${J})`,
      legend: '{{job}} {{topic}}',
    },
  ],
}

export const lagPanels: readonly Panel[] = [
  {
    title: 'Lag in seconds',
    description: 'Age of the oldest record that is not finished. This is what the objective is about.',
    unit: 's',
    queries: [
      { expr: `max by (job, topic) (tributary_source_lag_seconds${J})`, legend: '{{job}} {{topic}}' },
    ],
  },
  {
    title: 'Lag in records, by partition',
    description:
      'One partition alone: a key or a record that holds it up. All: too few processes, or an outage.',
    unit: 'short',
    queries: [{ expr: `tributary_source_lag_records${J}`, legend: '{{topic}}-{{partition}}' }],
  },
  {
    title: 'Age of the last commit',
    description: 'It grows on a partition without news; together with lag it means that nothing moves.',
    unit: 's',
    queries: [
      {
        expr: `max by (job, topic, partition) (tributary_source_commit_age_seconds${J}) and on (job, topic, partition) tributary_source_lag_records > 0`,
        legend: '{{topic}}-{{partition}} with lag',
      },
      {
        expr: `max by (job, topic) (tributary_source_commit_age_seconds${J})`,
        legend: '{{topic}} at most',
      },
    ],
  },
]

export const serviceDashboard: Dashboard = {
  uid: 'tributary-service',
  title: 'Tributary: a service',
  jobs: 'marketing-events|braze-sink',
  rows: [
    {
      title: 'State',
      panels: [
        {
          title: 'Ready processes',
          description: 'Joined, tables live, deliveries possible.',
          unit: 'none',
          kind: 'stat',
          queries: [{ expr: `sum by (job) (tributary_ready${J})`, legend: '{{job}}' }],
        },
        {
          title: 'Tasks by process',
          description: 'One per sub-topology and partition. A process with none is one too many.',
          unit: 'none',
          queries: [{ expr: `tributary_tasks${J}`, legend: '{{job}} {{instance}}' }],
        },
        {
          title: 'Rebalances',
          description: 'Partitions that came and went. Without a deployment there are none.',
          unit: 'short',
          queries: [{ expr: rate('tributary_rebalances_total', 'event'), legend: '{{job}} {{event}}' }],
        },
      ],
    },
    { title: 'Lag', panels: [...lagPanels, unownedPartitions] },
    {
      title: 'Records',
      panels: [
        {
          title: 'Records into steps',
          description: 'By the step that they reached.',
          unit: 'rps',
          queries: [{ expr: rate('tributary_step_records_in_total', 'step'), legend: '{{job}} {{step}}' }],
        },
        {
          title: 'Dropped',
          description: 'On purpose, by reason: what an author asked for.',
          unit: 'rps',
          queries: [
            { expr: rate('tributary_dropped_records_total', 'reason'), legend: '{{job}} {{reason}}' },
          ],
        },
        {
          title: 'Dead letters',
          description: 'Each wants somebody to look: docs/runbook/TributaryDeadLetters.md.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (job, step, code) (increase(tributary_dead_letters_total${J}[$__rate_interval]))`,
              legend: '{{step}} {{code}}',
            },
          ],
        },
        {
          title: 'Outputs',
          description: 'Acknowledged by the brokers.',
          unit: 'rps',
          queries: [{ expr: rate('tributary_output_records_total', 'topic'), legend: '{{job}} {{topic}}' }],
        },
        {
          title: 'Latency of outputs',
          description: 'From the event to the acknowledged output.',
          unit: 's',
          queries: [
            { expr: quantile(0.5, 'tributary_output_latency_seconds', 'topic'), legend: '{{topic}} p50' },
            { expr: quantile(0.99, 'tributary_output_latency_seconds', 'topic'), legend: '{{topic}} p99' },
          ],
        },
        {
          title: 'Commits',
          description: 'By result; refused ones are made again.',
          unit: 'short',
          queries: [{ expr: rate('tributary_commits_total', 'result'), legend: '{{job}} {{result}}' }],
        },
      ],
    },
    {
      title: 'Tables',
      panels: [
        {
          title: 'Tables by state',
          description: 'All are to be live.',
          unit: 'none',
          queries: [
            {
              expr: `sum by (job, table, state) (tributary_table_state${J}) > 0`,
              legend: '{{table}} {{state}}',
            },
          ],
        },
        {
          title: 'Rows',
          description: 'In the memory of all processes.',
          unit: 'short',
          queries: [{ expr: `sum by (job, table) (tributary_table_rows${J})`, legend: '{{table}}' }],
        },
        {
          title: 'Join misses',
          description: 'Part of the lookups that found no row.',
          unit: 'percentunit',
          queries: [
            {
              expr: `sum by (job, table) (rate(tributary_join_lookups_total{job=~"$job", result="miss"}[$__rate_interval])) / sum by (job, table) (rate(tributary_join_lookups_total${J}[$__rate_interval]))`,
              legend: '{{table}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Enrichment',
      panels: [
        {
          title: 'Calls',
          description: 'And what came of them.',
          unit: 'rps',
          queries: [
            { expr: rate('tributary_enricher_calls_total', 'enricher'), legend: '{{enricher}} calls' },
            { expr: rate('tributary_enricher_failures_total', 'enricher'), legend: '{{enricher}} failures' },
          ],
        },
        {
          title: 'Duration of a step’s calls, p99',
          description: 'Retries and the wait for a turn included.',
          unit: 's',
          queries: [
            { expr: quantile(0.99, 'tributary_enrich_call_duration_seconds', 'step'), legend: '{{step}}' },
          ],
        },
        {
          title: 'Breakers that are not closed',
          description: 'While open, nothing is asked and the records wait.',
          unit: 'none',
          queries: [
            {
              expr: `sum by (job, enricher, state) (tributary_enricher_breaker_state${J}) > 0`,
              legend: '{{enricher}} {{state}}',
            },
          ],
        },
      ],
    },
    { title: 'Process', panels: [loopDelay, memory, cpu] },
  ],
}
