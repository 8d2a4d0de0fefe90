import { httpEnricher, type Enricher } from '@tributary/enrichers'

const CALLS_AT_ONCE = 64
const TTL_MS = 600_000

/** How many places an activity has left, by its id. */
export function placesEnricher(apiUrl: string): Enricher<string, number> {
  return httpEnricher({
    name: 'places',
    baseUrl: apiUrl,
    key: (activityId: string) => activityId,
    request: activityId => ({ path: ['activities', activityId, 'places'] }),
    parse: answer => (answer.json() as { readonly placesLeft: number }).placesLeft,
    cache: { ttlMs: TTL_MS },
    concurrency: CALLS_AT_ONCE,
  })
}
