import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseTime } from '../src/track/time.ts'
import { oracleSeed as seed } from '../../../test-support/oracle.ts'

const moments = fc.date({
  min: new Date('1000-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
})

test('a time in any of its spellings is the moment it names', t => {
  t.diagnostic(`ORACLE_SEED=${seed}`)
  const offsets = fc.integer({ min: -14 * 60, max: 14 * 60 })
  fc.assert(
    fc.property(moments, offsets, (moment, offset) => {
      const iso = moment.toISOString()
      const wholeSecond = Math.floor(moment.getTime() / 1_000) * 1_000
      const local = new Date(moment.getTime() + offset * 60_000).toISOString().slice(0, -1)
      const hours = String(Math.trunc(Math.abs(offset) / 60)).padStart(2, '0')
      const minutes = String(Math.abs(offset) % 60).padStart(2, '0')
      const sign = offset < 0 ? '-' : '+'
      assert.equal(parseTime(iso), moment.getTime())
      assert.equal(parseTime(iso.slice(0, -1)), moment.getTime())
      assert.equal(parseTime(iso.replace('.', ':')), moment.getTime())
      assert.equal(parseTime(`${iso.slice(0, 19)}Z`), wholeSecond)
      assert.equal(parseTime(iso.slice(0, 10)), Date.parse(iso.slice(0, 10)))
      assert.equal(parseTime(`${iso.slice(0, 16)}Z`), Math.floor(moment.getTime() / 60_000) * 60_000)
      // An offset can move the local year out of the four digits.
      if (local.length !== 23) return
      assert.equal(parseTime(`${local}${sign}${hours}:${minutes}`), moment.getTime())
      assert.equal(parseTime(`${local}${sign}${hours}${minutes}`), moment.getTime())
    }),
    { seed },
  )
})

test('a day is taken exactly when the calendar has it', t => {
  t.diagnostic(`ORACLE_SEED=${seed}`)
  const part = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max })
  fc.assert(
    fc.property(fc.integer({ min: 1000, max: 9999 }), part(14), part(33), (year, month, day) => {
      const text = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
      const date = new Date(Date.UTC(year, month - 1, day))
      const isReal = date.toISOString().slice(0, 10) === text
      assert.equal(parseTime(text) !== undefined, isReal, text)
    }),
    { seed, numRuns: 500 },
  )
})

test('what is no time is not taken', () => {
  const texts = [
    '',
    'now',
    '1772359200',
    '2026-3-1',
    '2026-03-01T24:00:00Z',
    '2026-03-01T10:60:00Z',
    '2026-03-01T10:00:61Z',
    '2026-03-01T10:00:00+1:00',
    '2026-03-01T10:00:00Z ',
    '2026-03-01 10:00:00',
    '03/01/2026',
    '2026-03-01T10:00:00.Z',
  ]
  for (const text of texts) assert.equal(parseTime(text), undefined, text)
})
