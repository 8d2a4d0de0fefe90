import { httpEnricher, postgresEnricher, sqlEnricher } from '@tributary/enrichers'
import type { Enricher, SqlPort } from '@tributary/enrichers'
import { describe, expect, test } from 'tstyche'

interface Booking {
  readonly customerId: string
  readonly bookedAt: number
}
interface Row {
  readonly id: string
  readonly city: string
}
const baseUrl = 'http://localhost'

describe('httpEnricher', () => {
  test('infers the input from the key function and the result from parse', () => {
    const enrich = httpEnricher({
      name: 'x',
      baseUrl,
      key: (booking: Booking) => booking.customerId,
      request(id) {
        expect(id).type.toBe<string>()
        return { path: ['customers', id] }
      },
      parse: answer => answer.status,
    })
    expect(enrich).type.toBe<Enricher<Booking, number>>()
  })

  test('a key of several parts keeps their types, in order', () => {
    httpEnricher({
      name: 'x',
      baseUrl,
      key: (booking: Booking) => [booking.customerId, booking.bookedAt],
      request: ([customerId, after]) => {
        expect(customerId).type.toBe<string>()
        expect(after).type.toBe<number>()
        return { path: [customerId], query: { after } }
      },
      parse: answer => answer.text,
    })
  })

  test('split answers for the keys it was given, with a Map or with pairs', () => {
    const batched = {
      name: 'x',
      baseUrl,
      key: (booking: Booking) => booking.customerId,
    }
    const request = (ids: readonly string[]) => ({ path: '/query', body: { ids } })
    expect(
      httpEnricher({ ...batched, batch: { maxIds: 10, request, split: () => new Map([['c1', 5]]) } }),
    ).type.toBe<Enricher<Booking, number>>()
    expect(httpEnricher).type.not.toBeCallableWith({
      ...batched,
      batch: { maxIds: 10, request, split: () => new Map([[1, 5]]) },
    })
  })

  test('is either single or batched', () => {
    const single = {
      name: 'x',
      baseUrl,
      key: (id: string) => id,
      request: (id: string) => ({ path: [id] }),
      parse: () => 1,
    }
    expect(httpEnricher).type.toBeCallableWith(single)
    expect(httpEnricher).type.not.toBeCallableWith({ ...single, parse: undefined })
    expect(httpEnricher).type.not.toBeCallableWith({
      ...single,
      batch: { maxIds: 1, request: () => ({ path: '/' }), split: () => [] },
    })
  })

  test('takes no key that has no value to go by', () => {
    expect(httpEnricher).type.not.toBeCallableWith({
      name: 'x',
      baseUrl,
      key: (booking: Booking) => ({ id: booking.customerId }),
      request: () => ({ path: '/' }),
      parse: () => 1,
    })
  })
})

describe('the database enrichers', () => {
  const query = (ids: readonly string[]) => ({ text: 'SELECT …', values: [ids] })

  test('infer the row from rowKey', () => {
    const enrich = postgresEnricher({
      name: 'x',
      connectionString: 'postgres://',
      key: (booking: Booking) => booking.customerId,
      query,
      rowKey: (row: Row) => row.id,
      parse: ([row]) => row?.city,
    })
    expect(enrich).type.toBe<Enricher<Booking, string | undefined>>()
  })

  test("refuse a row's key of another type than the key", () => {
    expect(sqlEnricher).type.not.toBeCallableWith({
      name: 'x',
      database: {} as SqlPort,
      key: (booking: Booking) => booking.customerId,
      query,
      rowKey: (row: { id: number }) => row.id,
      parse: () => 1,
    })
  })
})

test('an enricher is called with its input, and with a signal if there is one', () => {
  const enrich = {} as Enricher<Booking, number>
  const booking: Booking = { customerId: 'c1', bookedAt: 0 }
  expect(enrich).type.toBeCallableWith(booking)
  expect(enrich).type.toBeCallableWith(booking, { signal: new AbortController().signal })
  expect(enrich).type.not.toBeCallableWith('c1')
})
