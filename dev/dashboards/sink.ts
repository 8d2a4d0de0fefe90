import type { Dashboard } from './dashboard.ts'
import { cpu, lagPanels, loopDelay } from './service.ts'

const J = '{job=~"$job"}'
const by = (labels: string, metric: string): string =>
  `sum by (${labels}) (rate(${metric}${J}[$__rate_interval]))`

export const sinkDashboard: Dashboard = {
  uid: 'tributary-sink',
  title: 'Tributary: the Braze sink',
  jobs: 'braze-sink',
  rows: [
    {
      title: 'Does it arrive?',
      panels: [
        {
          title: 'Cannot send',
          description: '1: shut out, no answers, or no share of the limit. /status says which.',
          unit: 'none',
          kind: 'stat',
          queries: [{ expr: `max by (instance) (tributary_braze_problem${J})`, legend: '{{instance}}' }],
        },
        {
          title: 'From the event to Braze’s 2xx',
          description: 'What the customer’s message waits for.',
          unit: 's',
          queries: [0.5, 0.95, 0.99].map(q => ({
            expr: `histogram_quantile(${q}, sum by (le) (rate(tributary_delivery_latency_seconds_bucket${J}[$__rate_interval])))`,
            legend: `p${q * 100}`,
          })),
        },
        {
          title: 'Records by what became of them',
          description: 'Rejected ones are dead letters.',
          unit: 'rps',
          queries: [
            { expr: by('outcome', 'tributary_delivery_settled_records_total'), legend: '{{outcome}}' },
          ],
        },
      ],
    },
    { title: 'Lag', panels: lagPanels },
    {
      title: 'Braze',
      panels: [
        {
          title: 'Requests by status',
          description: 'Within the limit there is no 429; 401 means the key.',
          unit: 'reqps',
          queries: [
            {
              expr: by('endpoint, status', 'tributary_braze_requests_total'),
              legend: '{{endpoint}} {{status}}',
            },
          ],
        },
        {
          title: 'Objects by outcome',
          description: 'Refused by Braze, or invalid and never sent.',
          unit: 'rps',
          queries: [{ expr: by('outcome', 'tributary_braze_objects_total'), legend: '{{outcome}}' }],
        },
        {
          title: 'Objects in a request',
          description: 'Of at most 75: the fuller, the fewer requests.',
          unit: 'short',
          queries: [
            {
              expr: `sum(rate(tributary_braze_request_objects_sum${J}[$__rate_interval])) / sum(rate(tributary_braze_request_objects_count${J}[$__rate_interval]))`,
              legend: 'mean',
            },
          ],
        },
        {
          title: 'Duration of a request',
          description: 'Braze’s own time, mostly.',
          unit: 's',
          queries: [0.5, 0.99].map(q => ({
            expr: `histogram_quantile(${q}, sum by (le) (rate(tributary_delivery_call_duration_seconds_bucket${J}[$__rate_interval])))`,
            legend: `p${q * 100}`,
          })),
        },
        {
          title: 'Saved',
          description: 'Objects that did not have to be sent: known to Braze, or part of another.',
          unit: 'rps',
          queries: [
            { expr: by('job', 'tributary_braze_suppressed_objects_total'), legend: 'suppressed' },
            { expr: by('job', 'tributary_braze_folded_objects_total'), legend: 'folded' },
          ],
        },
        {
          title: 'Calls that fail as a whole',
          description: 'No answer, 5xx, 401: they are made again until they succeed.',
          unit: 'rps',
          queries: [{ expr: by('step', 'tributary_delivery_call_failures_total'), legend: '{{step}}' }],
        },
      ],
    },
    {
      title: 'The limit',
      panels: [
        {
          title: 'Window used',
          description: 'Part of the share that counts in the window now. At 1 the limit is used up.',
          unit: 'percentunit',
          queries: [
            {
              expr: `tributary_braze_limiter_window_used_requests${J} / (tributary_braze_limiter_window_quota_requests${J} > 0)`,
              legend: '{{instance}} {{endpoint}}',
            },
          ],
        },
        {
          title: 'Waiting for the limit',
          description: 'Calls that would be made if the limit were higher.',
          unit: 'short',
          queries: [
            { expr: `sum by (endpoint) (tributary_braze_limiter_waiting${J})`, legend: '{{endpoint}}' },
          ],
        },
        {
          title: 'Answers 429',
          description: 'Somebody else uses the quota, or it is set too high.',
          unit: 'reqps',
          queries: [{ expr: by('endpoint', 'tributary_braze_rate_limited_total'), legend: '{{endpoint}}' }],
        },
        {
          title: 'Left, as Braze says',
          description: 'X-RateLimit-Remaining of the latest answer: of the whole company.',
          unit: 'short',
          queries: [
            {
              expr: `min by (endpoint) (tributary_braze_reported_remaining_requests${J})`,
              legend: '{{endpoint}}',
            },
          ],
        },
        {
          title: 'Share of the limit',
          description: 'By partitions; they sum to 1.',
          unit: 'percentunit',
          queries: [{ expr: `tributary_braze_limiter_share_ratio${J}`, legend: '{{instance}} {{endpoint}}' }],
        },
        loopDelay,
        cpu,
      ],
    },
  ],
}
