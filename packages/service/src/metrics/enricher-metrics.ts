import { MetricSet, type MetricFamily } from '@tributary/topology'

/** What the stats of an enricher of `@tributary/enrichers` have. */
export interface EnricherFigures {
  readonly hits: number
  readonly staleHits: number
  readonly misses: number
  readonly joins: number
  readonly calls: number
  readonly callKeys: number
  readonly failures: number
  readonly timeouts: number
  readonly throttled: number
  readonly retries: number
  readonly turnedAway: number
  readonly refreshFailures: number
  readonly inFlight: number
  readonly waiting: number
  readonly cachedEntries: number
  readonly cachedBytes: number
  readonly breaker: 'closed' | 'open' | 'half-open'
}

export const ENRICHER_METRICS = {
  tributary_enricher_breaker_state: {
    type: 'gauge',
    unit: '1 or 0',
    labels: ['enricher', 'state'],
    help: '1 for the state that the circuit breaker is in',
  },
  tributary_enricher_in_flight_calls: {
    type: 'gauge',
    unit: 'calls',
    labels: ['enricher'],
    help: 'Calls under way',
  },
  tributary_enricher_waiting_keys: {
    type: 'gauge',
    unit: 'keys',
    labels: ['enricher'],
    help: 'Keys that nobody has an answer for yet, those in flight included',
  },
  tributary_enricher_lookups_total: {
    type: 'counter',
    unit: 'lookups',
    labels: ['enricher', 'result'],
    help: 'Questions by how they were answered: hit, stale-hit (a newer answer was fetched meanwhile), miss, joined (to a call under way)',
  },
  tributary_enricher_calls_total: {
    type: 'counter',
    unit: 'calls',
    labels: ['enricher'],
    help: 'Calls made, repeated ones included',
  },
  tributary_enricher_called_keys_total: {
    type: 'counter',
    unit: 'keys',
    labels: ['enricher'],
    help: 'Keys in those calls; by the calls the mean fill',
  },
  tributary_enricher_failures_total: {
    type: 'counter',
    unit: 'calls',
    labels: ['enricher'],
    help: 'Calls that brought no answer',
  },
  tributary_enricher_timeouts_total: {
    type: 'counter',
    unit: 'calls',
    labels: ['enricher'],
    help: 'Calls that brought none in time',
  },
  tributary_enricher_throttled_total: {
    type: 'counter',
    unit: 'calls',
    labels: ['enricher'],
    help: 'Calls answered by “not so fast”',
  },
  tributary_enricher_retries_total: {
    type: 'counter',
    unit: 'calls',
    labels: ['enricher'],
    help: 'Calls made again after a failure',
  },
  tributary_enricher_turned_away_keys_total: {
    type: 'counter',
    unit: 'keys',
    labels: ['enricher'],
    help: 'Keys turned away without a call: the breaker was open, or a pause too long',
  },
  tributary_enricher_refresh_failures_total: {
    type: 'counter',
    unit: 'refreshes',
    labels: ['enricher'],
    help: 'Refreshes of stale answers that failed; the stale answer was used',
  },
  tributary_enricher_cached_entries: {
    type: 'gauge',
    unit: 'entries',
    labels: ['enricher'],
    help: 'Answers in the cache',
  },
  tributary_enricher_cached_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: ['enricher'],
    help: 'Size of the cache, as estimated',
  },
} as const

const BREAKER_STATES = ['closed', 'open', 'half-open'] as const

/** @param stats by the name of the enricher */
export function enricherMetrics(stats: Readonly<Record<string, EnricherFigures>>): readonly MetricFamily[] {
  const set = new MetricSet(ENRICHER_METRICS)
  for (const [enricher, figures] of Object.entries(stats)) {
    set.addStates(
      'tributary_enricher_breaker_state',
      figures.breaker,
      BREAKER_STATES.map(state => ({ state, labels: { enricher, state } })),
    )
    set.add('tributary_enricher_in_flight_calls', { enricher }, figures.inFlight)
    set.add('tributary_enricher_waiting_keys', { enricher }, figures.waiting)
    set.add('tributary_enricher_lookups_total', { enricher, result: 'hit' }, figures.hits)
    set.add('tributary_enricher_lookups_total', { enricher, result: 'stale-hit' }, figures.staleHits)
    set.add('tributary_enricher_lookups_total', { enricher, result: 'miss' }, figures.misses)
    set.add('tributary_enricher_lookups_total', { enricher, result: 'joined' }, figures.joins)
    set.add('tributary_enricher_calls_total', { enricher }, figures.calls)
    set.add('tributary_enricher_called_keys_total', { enricher }, figures.callKeys)
    set.add('tributary_enricher_failures_total', { enricher }, figures.failures)
    set.add('tributary_enricher_timeouts_total', { enricher }, figures.timeouts)
    set.add('tributary_enricher_throttled_total', { enricher }, figures.throttled)
    set.add('tributary_enricher_retries_total', { enricher }, figures.retries)
    set.add('tributary_enricher_turned_away_keys_total', { enricher }, figures.turnedAway)
    set.add('tributary_enricher_refresh_failures_total', { enricher }, figures.refreshFailures)
    set.add('tributary_enricher_cached_entries', { enricher }, figures.cachedEntries)
    set.add('tributary_enricher_cached_bytes', { enricher }, figures.cachedBytes)
  }
  return set.families()
}
