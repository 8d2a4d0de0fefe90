import type { DeliveryOutcome, Destination } from '@tributary/topology'

export interface Activity {
  readonly activityId: string
  readonly title: string
}

/** The bulk call of a search index: a list goes in, a list with a status for each entry comes out. */
export function searchIndex(url: string): Destination<Activity> {
  return {
    name: 'search index',
    async deliver(items, { signal }) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(items.map(({ value }) => value)),
        signal,
      })
      // Thrown, nothing is known of any item: all of them are sent again, after the backoff or after `retry.ms`.
      if (!response.ok)
        throw Object.assign(new Error(`HTTP ${response.status}`), { retry: adviceOf(response) })
      const statuses = (await response.json()) as readonly number[]
      return statuses.map(outcomeOf)
    },
  }
}

function outcomeOf(status: number): DeliveryOutcome {
  if (status < 300) return { kind: 'accepted' }
  // 409: the index is busy with an earlier version. The item goes again, and later ones with its key wait for it.
  if (status === 409) return { kind: 'retry' }
  return { kind: 'rejected', reason: `status ${status}` }
}

function adviceOf({ headers }: Response): { kind: 'backoff' } | { kind: 'after'; ms: number } {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) ? { kind: 'after', ms: seconds * 1_000 } : { kind: 'backoff' }
}
