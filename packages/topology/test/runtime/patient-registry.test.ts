import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TopologyError } from '../../src/errors.ts'
import { patientRegistry } from '../../src/runtime/patient-registry.ts'
import { InMemorySchemaRegistry } from '../../src/serde/in-memory-schema-registry.ts'
import { settled, TestClock } from '../../src/testing/test-clock.ts'

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const away = () =>
  new TopologyError('TOPOLOGY_REGISTRY_UNAVAILABLE', 'connection refused', { retry: { kind: 'backoff' } })

/** A registry whose first `failures` calls are refused. */
function failing(failures: number, error: () => Error) {
  const registry = new InMemorySchemaRegistry()
  let calls = 0
  const register = registry.register.bind(registry)
  registry.register = (subject, schema) => {
    calls += 1
    return calls <= failures ? Promise.reject(error()) : register(subject, schema)
  }
  return { registry, calls: () => calls }
}

test('an outage of the registry is waited out', async () => {
  const clock = new TestClock()
  const { registry, calls } = failing(3, away)
  const { signal } = new AbortController()
  const patient = patientRegistry(registry, { clock, random: () => 1, logger: SILENT, signal })
  const registered = patient.register('s', '"string"')
  await clock.advance(200 + 400)
  assert.equal(calls(), 3)
  await clock.advance(800)
  assert.equal(await registered, await registry.idOf('s', '"string"'))
})

test('what cannot go through later is told at once', async () => {
  const { registry, calls } = failing(
    1,
    () => new TopologyError('TOPOLOGY_SCHEMA_INCOMPATIBLE', 'field x is missing'),
  )
  const { signal } = new AbortController()
  const patient = patientRegistry(registry, {
    clock: new TestClock(),
    random: () => 1,
    logger: SILENT,
    signal,
  })
  await assert.rejects(patient.register('s', '"string"'), { code: 'TOPOLOGY_SCHEMA_INCOMPATIBLE' })
  assert.equal(calls(), 1)
})

test('closing ends the waiting', async () => {
  const { registry } = failing(Infinity, away)
  const closing = new AbortController()
  const options = { clock: new TestClock(), random: () => 1, logger: SILENT, signal: closing.signal }
  const registered = patientRegistry(registry, options).register('s', '"string"')
  await settled()
  closing.abort(new TopologyError('TOPOLOGY_CLOSED', 'the application is closed'))
  await assert.rejects(registered, { code: 'TOPOLOGY_CLOSED' })
})
