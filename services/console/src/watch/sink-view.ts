import type { SinkErrorView, SinkView } from '../snapshot.ts'
import type { CounterWindow } from './counter-window.ts'
import { RATE_MS } from './instance-view.ts'
import type { LatestError } from './instance-probe.ts'
import { briefReason, type Watched } from './problems.ts'
import { sumOf, type Scrape } from './prometheus-text.ts'

const MINUTE_MS = 60_000
const TRACK = { endpoint: 'track' } as const

/** The instances that deliver to Braze. */
export function sinkViews(watched: readonly Watched[]): readonly SinkView[] {
  return watched.flatMap(each => {
    const scrape = each.seen.answer?.scrape
    return scrape?.has('tributary_braze_problem') === true && each.view.isReachable
      ? [sinkView(each, scrape)]
      : []
  })
}

function sinkView(each: Watched, scrape: Scrape): SinkView {
  const { seen, view } = each
  const { window } = seen
  const figure = (name: string): number | undefined =>
    scrape.has(name) ? sumOf(scrape, name, TRACK) : undefined
  const calls = window.increase('tributary_delivery_calls_total', MINUTE_MS)
  const hourQuota = figure('tributary_braze_limiter_hour_quota_requests')
  const isShutOut = sumOf(scrape, 'tributary_braze_problem') > 0
  return {
    instance: view.name,
    problem: isShutOut ? (briefReason(each) ?? 'shut out') : undefined,
    windowUsed: figure('tributary_braze_limiter_window_used_requests') ?? 0,
    windowQuota: figure('tributary_braze_limiter_window_quota_requests') ?? 0,
    hour:
      hourQuota === undefined
        ? undefined
        : { used: figure('tributary_braze_limiter_hour_used_requests') ?? 0, quota: hourQuota },
    reportedRemaining: figure('tributary_braze_reported_remaining_requests'),
    pausedMs: (figure('tributary_braze_limiter_paused_seconds') ?? 0) * 1_000,
    pending: sumOf(scrape, 'tributary_delivery_pending_records'),
    fill:
      calls === 0 ? undefined : window.increase('tributary_delivery_sent_records_total', MINUTE_MS) / calls,
    callsPerSecond: window.perSecond('tributary_delivery_calls_total', RATE_MS),
    acceptedPerSecond: window.perSecond(SETTLED, RATE_MS, {
      outcome: 'accepted',
    }),
    latencyMs: latencyOf(scrape, window),
    accepted: sumOf(scrape, SETTLED, { outcome: 'accepted' }),
    rejected: sumOf(scrape, SETTLED, { outcome: 'rejected' }),
    errors: errorsOf(scrape, window),
    latestErrors: latestErrorsOf(seen),
  }
}

const SETTLED = 'tributary_delivery_settled_records_total'
const MAX_ERRORS = 10

function latestErrorsOf({ answer }: Watched['seen']): readonly SinkErrorView[] {
  const errors = answer?.status.braze?.latestErrors
  // A process of an earlier version has none.
  if (!Array.isArray(errors)) return []
  return errors
    .slice(0, MAX_ERRORS)
    .map(({ endpoint, status, code, says, firstAtMs, atMs, count }: LatestError) => ({
      endpoint,
      status,
      code,
      says,
      firstAtMs,
      atMs,
      count,
    }))
}

function latencyOf(scrape: Scrape, window: CounterWindow): SinkView['latencyMs'] {
  const name = 'tributary_delivery_latency_seconds_bucket'
  const bounds = [...new Set((scrape.get(name) ?? []).map(({ labels }) => labels['le'] ?? ''))]
  const buckets = bounds.map(le => ({
    le: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le),
    count: window.increase(name, MINUTE_MS, { le }),
  }))
  const p50 = quantile(buckets, 0.5)
  const p99 = quantile(buckets, 0.99)
  return p50 === undefined || p99 === undefined ? undefined : { p50: p50 * 1_000, p99: p99 * 1_000 }
}

/** As Prometheus' `histogram_quantile`: even within a bucket, the highest bound for what is above all bounds. */
export function quantile(
  buckets: readonly { readonly le: number; readonly count: number }[],
  q: number,
): number | undefined {
  const sorted = buckets.toSorted((a, b) => a.le - b.le)
  const total = sorted.at(-1)?.count ?? 0
  if (total === 0) return undefined
  const rank = q * total
  let below = { le: 0, count: 0 }
  for (const bucket of sorted) {
    if (bucket.count >= rank) {
      if (bucket.le === Number.POSITIVE_INFINITY) return below.le
      const share = (rank - below.count) / Math.max(bucket.count - below.count, 1)
      return below.le + (bucket.le - below.le) * share
    }
    below = bucket
  }
  return below.le
}

function errorsOf(scrape: Scrape, window: CounterWindow): SinkView['errors'] {
  const requests = 'tributary_braze_requests_total'
  const answers = (scrape.get(requests) ?? []).flatMap(({ labels }) => {
    const { status = '', endpoint = '' } = labels
    if (/^2\d\d$/.test(status)) return []
    const count = window.increase(requests, MINUTE_MS, labels)
    return [{ what: `${endpoint}: ${status === 'none' ? 'no answer' : `status ${status}`}`, count }]
  })
  const rejected = window.increase(SETTLED, MINUTE_MS, { outcome: 'rejected' })
  return [...answers, { what: 'objects rejected', count: rejected }].filter(({ count }) => count > 0)
}
