import type { Dashboard } from './dashboard.ts'
import { lagPanels, unownedPartitions } from './service.ts'

const J = '{job=~"$job"}'
const good = (window: string): string =>
  `sum by (group) (increase(tributary_slo_good_seconds_total${J}[${window}])) / sum by (group) (increase(tributary_slo_seconds_total${J}[${window}]))`
const BUDGET = `(1 - max by (group) (tributary_slo_objective_ratio${J}))`

export const objectiveDashboard: Dashboard = {
  uid: 'tributary-objective',
  title: 'Tributary: the objective',
  jobs: 'marketing-events|braze-sink',
  rows: [
    {
      title: 'The consumer does not lag 99.95 % of the time',
      panels: [
        {
          title: 'Kept, of 30 days',
          description: 'Part of the time in which all partitions were OK by Burrow’s rules.',
          unit: 'percentunit',
          kind: 'stat',
          queries: [{ expr: good('30d'), legend: '{{group}}' }],
        },
        {
          title: 'Budget left, of 30 days',
          description: 'At 0 the objective of the month is missed.',
          unit: 'percentunit',
          kind: 'stat',
          queries: [{ expr: `1 - (1 - ${good('30d')}) / on (group) ${BUDGET}`, legend: '{{group}}' }],
        },
        {
          title: 'Objective',
          description: 'As the service was told.',
          unit: 'percentunit',
          kind: 'stat',
          queries: [{ expr: `max by (group) (tributary_slo_objective_ratio${J})`, legend: '{{group}}' }],
        },
        {
          title: 'Burn rate',
          description:
            'How many times as fast as the budget lasts. 14.4 for an hour is a page, 1 for three days a ticket.',
          unit: 'short',
          queries: ['5m', '1h', '6h', '3d'].map(window => ({
            expr: `group:tributary_slo_bad:ratio_rate${window} / on (group) ${BUDGET}`,
            legend: `{{group}} ${window}`,
          })),
        },
        {
          title: 'Verdict by partition',
          description: '1 OK, 2 WARN (slower than its topic), 4 STOP, 5 STALL, 6 REWIND.',
          unit: 'none',
          queries: [
            {
              expr: `max by (group, topic, partition) (tributary_consumer_status${J})`,
              legend: '{{group}} {{topic}}-{{partition}}',
            },
          ],
        },
        {
          title: 'Verdict by process',
          description: 'The worst of its partitions: 1 OK, 2 WARN, 3 ERR.',
          unit: 'none',
          queries: [{ expr: `tributary_consumer_group_status${J}`, legend: '{{group}} {{instance}}' }],
        },
      ],
    },
    { title: 'Lag', panels: [...lagPanels, unownedPartitions] },
  ],
}
