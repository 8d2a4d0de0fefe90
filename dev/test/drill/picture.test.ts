import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brazeAttributes, brazeEvent, type BrazeObject } from '@tributary/sink-braze'
import { lost, orderViolations, pictureOf, type Input } from '../../drill/in-process/picture.ts'

const TIME = '2026-06-01T10:00:00.000Z'
const event = (user: string, id: string): BrazeObject =>
  brazeEvent({ external_id: user, name: 'e', time: TIME, properties: { event_id: id } })
const sent = (id: string): object => ({ name: 'e', time: TIME, properties: { event_id: id } })
const input = (offset: number, ...objects: BrazeObject[]): Input => ({
  partition: 0,
  offset,
  user: 'u',
  objects,
})

test('what Braze has to have is each object applied in the order of the records', () => {
  const attributes = (fields: object): BrazeObject => brazeAttributes({ external_id: 'u', ...fields })
  const inputs = [
    input(0, attributes({ city: 'Paris', visits: 1, gone: 1, tags: ['a', 'b'] }), event('u', '1')),
    input(1, attributes({ city: 'Rome', visits: { inc: 2 }, gone: null, tags: { add: ['a', 'c'] } })),
  ]
  assert.deepEqual(pictureOf(inputs), {
    u: {
      attributes: { city: 'Rome', visits: 3, tags: ['b', 'a', 'c'] },
      events: [sent('1')],
      purchases: [],
    },
  })
  assert.deepEqual(pictureOf(inputs, { without: ({ kind }) => kind === 'attributes', times: 2 })['u'], {
    attributes: {},
    events: [sent('1'), sent('1')],
    purchases: [],
  })
})

test('an event that comes before an earlier one is a violation; one that comes twice is not', () => {
  const inputs = ['1', '2', '3'].map((id, offset) => input(offset, event('u', id)))
  const seen = (...ids: string[]) => ({
    u: { attributes: {}, events: ids.map(sent) as never, purchases: [] },
  })
  assert.equal(orderViolations(seen('1', '2', '3'), inputs), 0)
  assert.equal(orderViolations(seen('1', '2', '1', '2', '3'), inputs), 0)
  assert.equal(orderViolations(seen('2', '1', '3'), inputs), 1)
  assert.equal(orderViolations(seen('3', '2', '1'), inputs), 2)
})

test('a record is lost when it is neither at Braze nor among the dead letters', () => {
  const inputs = ['1', '2', '3'].map((id, offset) => input(offset, event('u', id)))
  const seen = { u: { attributes: {}, events: [sent('1')] as never, purchases: [] } }
  assert.equal(lost(seen, inputs, []), 2)
  assert.equal(lost(seen, inputs, [{ of: '0@1' }]), 1)
  assert.equal(lost({}, inputs, []), 3)
})
