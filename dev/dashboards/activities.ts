import type { Dashboard } from './dashboard.ts'
import { cpu, memory } from './service.ts'

const J = '{job=~"$job"}'
const REQUESTS = 'tributary_activities_requests_total'
/** Probes and scrapes are requests, too, and none that anybody waits for. */
const ASKED = 'job=~"$job", route!~"/health.*|/metrics"'

export const activitiesDashboard: Dashboard = {
  uid: 'tributary-activities',
  title: 'Tributary: activities-api',
  jobs: 'activities-api',
  rows: [
    {
      title: 'Requests',
      panels: [
        {
          title: 'Processes that answer',
          description: 'Of those that Prometheus knows.',
          unit: 'none',
          kind: 'stat',
          queries: [{ expr: `sum by (job) (up${J})`, legend: '{{job}}' }],
        },
        {
          title: 'Requests',
          description: 'By route and status; none: the client was gone before its answer.',
          unit: 'reqps',
          queries: [
            {
              expr: `sum by (route, status) (rate(${REQUESTS}{${ASKED}}[$__rate_interval]))`,
              legend: '{{route}} {{status}}',
            },
          ],
        },
        {
          title: 'Answers that bring nothing',
          description:
            'Part of the requests that failed (5xx) or got no answer. marketing-events asks again, and its breaker opens.',
          unit: 'percentunit',
          queries: [
            {
              expr: `(sum by (job) (rate(${REQUESTS}{${ASKED}, status=~"5..|none"}[$__rate_interval])) or sum by (job) (rate(${REQUESTS}{${ASKED}}[$__rate_interval])) * 0) / sum by (job) (rate(${REQUESTS}{${ASKED}}[$__rate_interval]))`,
              legend: '{{job}}',
            },
          ],
        },
        {
          title: 'Duration of a request',
          description: 'marketing-events has a booking wait for it.',
          unit: 's',
          queries: [0.5, 0.99].map(q => ({
            expr: `histogram_quantile(${q}, sum by (le) (rate(tributary_activities_request_duration_seconds_bucket{${ASKED}}[$__rate_interval])))`,
            legend: `p${q * 100}`,
          })),
        },
      ],
    },
    {
      title: 'Database and process',
      panels: [
        {
          title: 'Connections',
          description: 'Ten at most per process.',
          unit: 'none',
          queries: [
            {
              expr: `sum by (instance, state) (tributary_activities_pool_connections${J})`,
              legend: '{{instance}} {{state}}',
            },
          ],
        },
        {
          title: 'Queries that wait for a connection',
          description: 'For two seconds, and then their request is answered by 503.',
          unit: 'none',
          queries: [{ expr: `tributary_activities_pool_waiting_queries${J}`, legend: '{{instance}}' }],
        },
        cpu,
        memory,
      ],
    },
  ],
}
