import { MetricSet, type MetricFamily } from '@tributary/topology'
import type { LimiterStats } from './rate-limiter.ts'
import type { BrazeStats } from './stats.ts'

/** What `brazeMetrics` tells. `docs/reference/metrics.md` lists them; a test compares the two. */
export const BRAZE_METRICS = {
  tributary_braze_requests_total: {
    type: 'counter',
    unit: 'requests',
    labels: ['endpoint', 'status'],
    help: 'Requests by endpoint (track, delete) and status; none for those without an answer',
  },
  tributary_braze_request_objects: {
    type: 'histogram',
    unit: 'objects',
    labels: [],
    help: 'Objects in a request of /users/track that was answered: how full batches are',
  },
  tributary_braze_sent_bytes_total: {
    type: 'counter',
    unit: 'bytes',
    labels: [],
    help: 'Size of the objects in those requests',
  },
  tributary_braze_objects_total: {
    type: 'counter',
    unit: 'objects',
    labels: ['outcome'],
    help: 'Objects by what became of them: accepted, refused by Braze, or invalid and not sent',
  },
  tributary_braze_splits_total: {
    type: 'counter',
    unit: 'requests',
    labels: [],
    help: 'Requests that were sent again in halves to find an object at fault',
  },
  tributary_braze_unlocated_errors_total: {
    type: 'counter',
    unit: 'errors',
    labels: [],
    help: 'Errors in an answer that did not say which object they meant',
  },
  tributary_braze_problem: {
    type: 'gauge',
    unit: '1 or 0',
    labels: [],
    help: '1 while nothing can be sent: shut out, no answers, or no share of the limit',
  },
  tributary_braze_limiter_waiting: {
    type: 'gauge',
    unit: 'calls',
    labels: ['endpoint'],
    help: 'Calls that wait for the rate limit',
  },
  tributary_braze_limiter_waits_total: {
    type: 'counter',
    unit: 'waits',
    labels: ['endpoint'],
    help: 'Waits for the rate limit that have ended, those of no length included',
  },
  tributary_braze_limiter_wait_seconds_total: {
    type: 'counter',
    unit: 'seconds',
    labels: ['endpoint'],
    help: 'How long those took together',
  },
  tributary_braze_limiter_window_used_requests: {
    type: 'gauge',
    unit: 'requests',
    labels: ['endpoint'],
    help: 'Requests that count in the window now',
  },
  tributary_braze_limiter_window_quota_requests: {
    type: 'gauge',
    unit: 'requests',
    labels: ['endpoint'],
    help: 'How many may: the share of this process',
  },
  tributary_braze_limiter_share_ratio: {
    type: 'gauge',
    unit: 'ratio',
    labels: ['endpoint'],
    help: 'The part of the company’s limits that is this process’s, by its partitions',
  },
  tributary_braze_limiter_hour_used_requests: {
    type: 'gauge',
    unit: 'requests',
    labels: ['endpoint'],
    help: 'Requests in this hour, where the contract has a limit for it',
  },
  tributary_braze_limiter_hour_quota_requests: {
    type: 'gauge',
    unit: 'requests',
    labels: ['endpoint'],
    help: 'How many may be made in an hour: the share of this process',
  },
  tributary_braze_limiter_paused_seconds: {
    type: 'gauge',
    unit: 'seconds',
    labels: ['endpoint'],
    help: 'What is left of a pause that Braze has asked for',
  },
  tributary_braze_limiter_slow: {
    type: 'gauge',
    unit: '1 or 0',
    labels: ['endpoint'],
    help: 'Whether requests are spread because little remains of the limit',
  },
  tributary_braze_rate_limited_total: {
    type: 'counter',
    unit: 'requests',
    labels: ['endpoint'],
    help: 'Requests answered by 429',
  },
  tributary_braze_pauses_total: {
    type: 'counter',
    unit: 'pauses',
    labels: ['endpoint'],
    help: 'Pauses begun because of that',
  },
  tributary_braze_reported_limit_requests: {
    type: 'gauge',
    unit: 'requests',
    labels: ['endpoint'],
    help: 'X-RateLimit-Limit of the latest answer',
  },
  tributary_braze_reported_remaining_requests: {
    type: 'gauge',
    unit: 'requests',
    labels: ['endpoint'],
    help: 'X-RateLimit-Remaining of the latest answer: what is left of the company’s quota',
  },
  tributary_braze_folded_objects_total: {
    type: 'counter',
    unit: 'objects',
    labels: [],
    help: 'Attributes objects that went as a part of another of their user',
  },
  tributary_braze_suppressed_objects_total: {
    type: 'counter',
    unit: 'objects',
    labels: [],
    help: 'Attributes objects that were not sent because Braze has all of their values',
  },
  tributary_braze_suppressed_fields_total: {
    type: 'counter',
    unit: 'fields',
    labels: [],
    help: 'Attributes that were left out because Braze has their values',
  },
  tributary_braze_repeated_events_total: {
    type: 'counter',
    unit: 'events',
    labels: [],
    help: 'Events and purchases that were not sent because Braze is known to have taken them in before',
  },
  tributary_braze_rule_breaches_total: {
    type: 'counter',
    unit: 'objects',
    labels: ['rule', 'policy'],
    help: 'Objects that broke one of Braze’s rules, by what was done about it',
  },
  tributary_braze_not_idempotent_objects_total: {
    type: 'counter',
    unit: 'objects',
    labels: ['kind'],
    help: 'Objects sent that change something anew each time they arrive',
  },
  tributary_braze_tombstones_total: {
    type: 'counter',
    unit: 'records',
    labels: ['outcome'],
    help: 'Tombstones by what was done about them: ignored, nulled or deleted',
  },
} as const

type BrazeMetricSet = MetricSet<typeof BRAZE_METRICS>

/** The figures of a destination, as Prometheus and its like take them. */
export function brazeMetrics(stats: BrazeStats): readonly MetricFamily[] {
  const set = new MetricSet(BRAZE_METRICS)
  addRequests(set, stats)
  for (const [endpoint, limiter] of [
    ['track', stats.limiter],
    ['delete', stats.deletes.limiter],
  ] as const)
    addLimiter(set, endpoint, limiter)
  addShaping(set, stats)
  return set.families()
}

function addRequests(set: BrazeMetricSet, stats: BrazeStats): void {
  const answers = [
    ['track', { ...stats.answers, none: stats.unanswered }],
    ['delete', stats.deletes.answers],
  ] as const
  for (const [endpoint, byStatus] of answers)
    for (const [status, count] of Object.entries(byStatus))
      set.add('tributary_braze_requests_total', { endpoint, status }, count)
  set.add('tributary_braze_request_objects', {}, stats.requestObjects)
  set.add('tributary_braze_sent_bytes_total', {}, stats.bytesSent)
  for (const outcome of ['accepted', 'refused', 'invalid'] as const)
    set.add('tributary_braze_objects_total', { outcome }, stats[outcome])
  set.add('tributary_braze_splits_total', {}, stats.splits)
  set.add('tributary_braze_unlocated_errors_total', {}, stats.unlocatedErrors)
  set.add('tributary_braze_problem', {}, stats.problem === undefined ? 0 : 1)
}

function addLimiter(set: BrazeMetricSet, endpoint: string, limiter: LimiterStats): void {
  set.add('tributary_braze_limiter_waiting', { endpoint }, limiter.waiting)
  set.add('tributary_braze_limiter_waits_total', { endpoint }, limiter.waits)
  set.add('tributary_braze_limiter_wait_seconds_total', { endpoint }, limiter.waitedMs / 1_000)
  set.add('tributary_braze_limiter_window_used_requests', { endpoint }, limiter.used)
  set.add('tributary_braze_limiter_window_quota_requests', { endpoint }, limiter.quota)
  set.add('tributary_braze_limiter_share_ratio', { endpoint }, limiter.share)
  set.add('tributary_braze_limiter_paused_seconds', { endpoint }, limiter.heldMs / 1_000)
  set.add('tributary_braze_limiter_slow', { endpoint }, limiter.isSlow ? 1 : 0)
  set.add('tributary_braze_rate_limited_total', { endpoint }, limiter.rateLimited)
  set.add('tributary_braze_pauses_total', { endpoint }, limiter.pauses)
  if (limiter.hour !== undefined) {
    set.add('tributary_braze_limiter_hour_used_requests', { endpoint }, limiter.hour.used)
    set.add('tributary_braze_limiter_hour_quota_requests', { endpoint }, limiter.hour.quota)
  }
  if (limiter.reported !== undefined) {
    set.add('tributary_braze_reported_limit_requests', { endpoint }, limiter.reported.limit)
    set.add('tributary_braze_reported_remaining_requests', { endpoint }, limiter.reported.remaining)
  }
}

function addShaping(set: BrazeMetricSet, { shaping }: BrazeStats): void {
  set.add('tributary_braze_folded_objects_total', {}, shaping.folded)
  set.add('tributary_braze_suppressed_objects_total', {}, shaping.suppressedObjects)
  set.add('tributary_braze_suppressed_fields_total', {}, shaping.suppressedFields)
  set.add('tributary_braze_repeated_events_total', {}, shaping.repeatedEvents)
  for (const [rule, byPolicy] of Object.entries(shaping.rules))
    for (const [policy, count] of Object.entries(byPolicy))
      set.add('tributary_braze_rule_breaches_total', { rule, policy }, count)
  for (const [kind, count] of Object.entries(shaping.notIdempotent))
    set.add('tributary_braze_not_idempotent_objects_total', { kind }, count)
  for (const [outcome, count] of Object.entries(shaping.tombstones))
    set.add('tributary_braze_tombstones_total', { outcome }, count)
}
