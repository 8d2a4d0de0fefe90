import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../../../../test-support/until.ts'
import { RowWatches } from '../../../src/runtime/tables/row-watches.ts'
import { setUp, versionedKey } from './support.ts'

test('who waits for a key hears of its rows once they can be looked up, until it waits no longer', () => {
  const watches = new RowWatches()
  const heard: string[] = []
  const endFirst = watches.watch(Buffer.from('ada'), () => heard.push('first'))
  watches.watch(Buffer.from('ada'), () => heard.push('second'))
  watches.watch(Buffer.from('bob'), () => heard.push('bob'))
  watches.put(Buffer.from('ada'))
  watches.put(Buffer.from('ada'))
  watches.put(Buffer.from('eve'))
  assert.deepEqual(heard, [])
  watches.notify()
  watches.notify()
  assert.deepEqual(heard.splice(0), ['first', 'second'])
  endFirst()
  endFirst()
  watches.put(Buffer.from('ada'))
  watches.notify()
  assert.deepEqual(heard.splice(0), ['second'])
  watches.notifyAll()
  assert.deepEqual(heard, ['second', 'bob'])
})

test('a live table tells of a row that it has applied, also under a key that another schema version wrote', async t => {
  const { kafka, tables } = await setUp(t, () => undefined, { table: { key: versionedKey() } })
  tables.assign(1, [0])
  await tables.whenLive(1, 0)
  const rows = tables.reader(1, 0)
  const heard: unknown[] = []
  rows.watch('ada', () => heard.push(rows.get('ada')))
  kafka.put('customers', { key: 'v1/bob', value: 'row of bob' })
  kafka.put('customers', { key: 'v1/ada', value: 'row of ada' })
  await until('the row is told', () => heard.length > 0)
  assert.deepEqual(heard, ['row of ada'])
})
