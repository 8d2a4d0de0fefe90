import assert from 'node:assert/strict'
import { test } from 'node:test'
import { saidForLog } from '../src/said-by-braze.ts'

test('what Braze is known to say is shown in a log', () => {
  for (const text of [
    "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required",
    "'quantity' is not valid",
    "The value provided for the 'email' field is not a valid email.",
    'EXTERNAL_USER_ID_TOO_LARGE',
    'provided external_id is blacklisted and disallowed',
  ]) {
    assert.equal(saidForLog(text), text)
  }
})

test('what may repeat a value is not', () => {
  for (const text of [
    "'Paris' is not valid",
    'ada@example.com is taken',
    'user c-17 is unknown',
    '"Rome" is no city',
    'Łódź',
  ]) {
    assert.equal(saidForLog(text), `(${text.length} characters that may hold a value)`)
  }
})
