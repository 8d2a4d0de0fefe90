import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pauseMsOf, readingOf } from '../src/rate-limit-headers.ts'

const NOW = Date.parse('2026-03-04T12:00:00Z')
const EPOCH = NOW / 1_000

const cases: readonly [name: string, headers: Record<string, string>, pauseMs: number | undefined][] = [
  ['the seconds of contracts by active users', { 'x-ratelimit-retry-after': '7' }, 7_000],
  ['Retry-After in seconds', { 'retry-after': '3' }, 3_000],
  ['Retry-After as a date', { 'retry-after': 'Wed, 04 Mar 2026 12:00:05 GMT' }, 5_000],
  ['a reset as an epoch second', { 'x-ratelimit-reset': String(EPOCH + 12) }, 12_000],
  ['a reset as seconds to go', { 'x-ratelimit-reset': '12' }, 12_000],
  [
    'the first of several',
    { 'x-ratelimit-retry-after': '1', 'retry-after': '2', 'x-ratelimit-reset': '3' },
    1_000,
  ],
  ['the second of several', { 'retry-after': '2', 'x-ratelimit-reset': '3' }, 2_000],
  ['no header', {}, undefined],
  ['text that is no number', { 'x-ratelimit-retry-after': 'soon', 'retry-after': 'later' }, undefined],
  ['a time that is over', { 'x-ratelimit-reset': String(EPOCH - 5) }, undefined],
  ['zero', { 'x-ratelimit-retry-after': '0' }, undefined],
  ['more than an hour', { 'retry-after': '999999' }, 3_600_000],
]

for (const [name, headers, pauseMs] of cases) {
  test(`a 429 with ${name} pauses for ${pauseMs ?? 'as long as we choose'}`, () => {
    assert.equal(pauseMsOf(headers, NOW), pauseMs)
  })
}

for (const [name, reset, resetMs] of [
  ['an epoch second', String(EPOCH + 1_200), 1_200_000],
  ['seconds to go', '1200', 1_200_000],
  ['an epoch second that is over', String(EPOCH - 3), 0],
] as const) {
  test(`an answer says what remains of a limit until ${name}`, () => {
    const headers = {
      'x-ratelimit-limit': '250000',
      'x-ratelimit-remaining': '17',
      'x-ratelimit-reset': reset,
    }
    assert.deepEqual(readingOf(headers, NOW), { limit: 250_000, remaining: 17, resetMs })
  })
}

for (const missing of ['limit', 'remaining', 'reset']) {
  test(`without x-ratelimit-${missing} an answer says nothing of a limit`, () => {
    const headers = { 'x-ratelimit-limit': '9', 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': '30' }
    assert.equal(readingOf({ ...headers, [`x-ratelimit-${missing}`]: undefined }, NOW), undefined)
    assert.equal(readingOf({ ...headers, [`x-ratelimit-${missing}`]: 'many' }, NOW), undefined)
  })
}
