import assert from 'node:assert/strict'
import { test } from 'node:test'
import { httpEnricher } from '@tributary/enrichers'
import { enricherMetrics } from '@tributary/service'

test('an enricher tells every one of its metrics', async () => {
  const enricher = httpEnricher({
    name: 'cities',
    baseUrl: 'http://127.0.0.1:9',
    key: (city: string) => city,
    request: city => ({ path: [city] }),
    parse: answer => answer.json(),
    breaker: false,
  })
  const families = enricherMetrics({ cities: enricher.stats })
  for (const { name, samples } of families) assert.notEqual(samples.length, 0, name)
  const states = families.find(({ name }) => name === 'tributary_enricher_breaker_state')
  assert.deepEqual(states?.samples, [
    { labels: { enricher: 'cities', state: 'closed' }, value: 1 },
    { labels: { enricher: 'cities', state: 'open' }, value: 0 },
    { labels: { enricher: 'cities', state: 'half-open' }, value: 0 },
  ])
  await enricher.close()
})
