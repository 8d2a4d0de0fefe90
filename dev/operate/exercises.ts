import type { ServiceProcess } from '../demo/services/service-processes.ts'
import { signalGroup } from '../stack/process-identity.ts'
import type { Exercise } from './drill.ts'

const LAG = [
  'max by (job) (tributary_source_lag_seconds)',
  'sum by (job) (tributary_source_lag_records)',
  'max by (group) (tributary_consumer_group_status)',
]
const json = { 'content-type': 'application/json' }

async function change(url: string, method: string, body?: object): Promise<void> {
  const response = await fetch(url, {
    method,
    ...(body === undefined ? {} : { headers: json, body: JSON.stringify(body) }),
  })
  if (!response.ok)
    throw new Error(`${method} ${url} was answered ${response.status}: ${await response.text()}`)
}

/** Stands still: connections stay, and nothing is answered. */
function freeze({ process }: ServiceProcess): void {
  signalGroup(process.pid, 'SIGSTOP')
}

function thaw({ process }: ServiceProcess): void {
  signalGroup(process.pid, 'SIGCONT')
}

export const EXERCISES: readonly Exercise[] = [
  {
    title: 'Braze no longer answers',
    fault: 'the simulator is stopped (SIGSTOP): connections stay, answers do not come',
    mend: 'it goes on (SIGCONT)',
    alerts: ['BrazeSendsNothing', 'TributaryNoProgress', 'TributaryLagging', 'TributaryConsumerNotOk'],
    metrics: ['tributary_braze_problem', 'tributary_delivery_call_failures_total', ...LAG],
    commands: [['lag', 'braze-sink']],
    begin: async ({ services }) => Promise.resolve(freeze(services.brazeSimulator)),
    end: async ({ services }) => Promise.resolve(thaw(services.brazeSimulator)),
  },
  {
    title: 'Braze refuses the key',
    fault: 'the simulator gets another key',
    mend: 'it has the old one again',
    alerts: ['BrazeShutsOut', 'TributaryLagging'],
    metrics: ['sum by (status) (tributary_braze_requests_total)', 'tributary_braze_problem', ...LAG],
    commands: [['lag', 'braze-sink']],
    begin: ({ services }) =>
      change(`${services.brazeSimulator.url}/_simulator/options`, 'POST', { apiKey: 'another' }),
    end: ({ services }) =>
      change(`${services.brazeSimulator.url}/_simulator/options`, 'POST', { apiKey: 'demo-key' }),
  },
  {
    title: 'The API is slow',
    fault: 'activities-api takes 3 s per answer',
    mend: 'it is as fast as before',
    alerts: ['TributaryLagging'],
    metrics: [
      'tributary_enrich_in_flight_calls',
      'histogram_quantile(0.5, sum by (le) (rate(tributary_enrich_call_duration_seconds_bucket[15s])))',
      ...LAG,
    ],
    commands: [['lag', 'marketing-events']],
    begin: ({ services }) =>
      change(`${services.activitiesApi.url}/_control/faults`, 'PUT', { delayMs: 3_000 }),
    end: ({ services }) => change(`${services.activitiesApi.url}/_control/faults`, 'DELETE'),
  },
  {
    title: 'Poison',
    fault: 'records that nobody can decode, among the others',
    mend: 'nothing: the rest goes on, and they wait in the dead-letter topic',
    alerts: ['TributaryDeadLetters'],
    metrics: ['sum by (step, code) (tributary_dead_letters_total)', ...LAG],
    commands: [['dlq', 'list', 'marketing-events-dead-letters', '--limit', '3']],
    begin: scene => scene.publishPoison(),
    end: () => Promise.resolve(),
  },
  {
    title: 'A process is killed',
    fault: 'one of two sinks, by SIGKILL: it hands nothing over',
    mend: 'a new one is started; until its session ended nobody had the partitions of the old one',
    alerts: ['TributaryProcessDown', 'TributaryPartitionsUnowned'],
    metrics: [
      'up',
      'max by (job, topic) (tributary_source_topic_partitions)',
      'sum by (job, topic) (tributary_source_owned_partitions)',
      ...LAG,
    ],
    commands: [['lag', 'braze-sink']],
    async begin({ services }) {
      const [, victim] = services.scaled['braze-sink']
      victim!.process.killNow()
      await victim!.process.ended
    },
    async end({ services, group }) {
      await group.start(services.scaled['braze-sink'][1]!.spec)
    },
  },
]
