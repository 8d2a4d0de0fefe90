import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { TopologyDescription } from '../../src/plan/describe.ts'
import { FakeWiring, type WiringEvent } from '../operators/fake-wiring.ts'
import '../wire/seed.ts'
import { expectedOf, type Expected } from './random-oracle.ts'
import { buildTopology, keys, programs, values } from './random-topology.ts'

const records = fc.array(fc.record({ key: keys, value: values }), { minLength: 1, maxLength: 8 })
const tableRows = fc.dictionary(fc.constantFrom('', '0', '1', '2', '3'), fc.integer({ min: 0, max: 9 }))

function withoutError(event: WiringEvent): Expected {
  return event.kind === 'dead-letter' ? { kind: event.kind, node: event.node } : (event as Expected)
}

test('a random topology does with each record what a naive interpreter of its steps does, in the same order', () => {
  fc.assert(
    fc.property(programs, records, fc.tuple(tableRows, tableRows), (program, input, [own, global]) => {
      const rows = { partitioned: new Map(Object.entries(own)), global: new Map(Object.entries(global)) }
      const { compiled } = buildTopology(program)
      const [part, ...others] = compiled.subTopologies
      assert.ok(part !== undefined && others.length === 0)
      const wiring = new FakeWiring()
      for (const table of part.tables) wiring.tables.set(table.node, rows.partitioned)
      for (const table of compiled.globalTables) wiring.tables.set(table.node, rows.global)
      const handler = part.build(wiring).get('events')
      for (const record of input) {
        handler?.(record.key, record.value)
        assert.deepEqual(wiring.take().map(withoutError), expectedOf(program, record, rows))
      }
    }),
    { numRuns: 2_000 },
  )
})

test('a random topology describes each step once, and every line from one step to another from both ends', () => {
  const linesOf = (description: TopologyDescription, end: 'inputs' | 'outputs'): readonly string[] =>
    description.subTopologies
      .flatMap(({ sources, steps }) => [...sources.map(source => ({ ...source, inputs: [] })), ...steps])
      .flatMap(step =>
        step[end].map(other => (end === 'inputs' ? `${other} > ${step.name}` : `${step.name} > ${other}`)),
      )
      .toSorted()
  fc.assert(
    fc.property(programs, program => {
      const topology = buildTopology(program)
      const description = topology.toJSON()
      assert.deepEqual(linesOf(description, 'inputs'), linesOf(description, 'outputs'))
      const names = description.subTopologies.flatMap(({ steps }) => steps.map(step => step.name))
      assert.equal(new Set(names).size, names.length)
      assert.deepEqual(buildTopology(program).toJSON(), description)
    }),
    { numRuns: 200 },
  )
})
