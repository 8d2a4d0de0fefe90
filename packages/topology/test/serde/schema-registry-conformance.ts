import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Compatibility, SchemaRegistry } from '../../src/serde/schema-registry.ts'
import { fails } from './support.ts'

export interface ConfigurableRegistry extends SchemaRegistry {
  setCompatibility(subject: string, level: Compatibility): Promise<void>
}

export interface RegistryFixture {
  readonly registry: ConfigurableRegistry
  /** A name that no other test uses. */
  readonly subject: string
}

function recordOf(subject: string, ...fields: readonly object[]): string {
  return JSON.stringify({ type: 'record', name: 'R', namespace: nameOf(subject), fields })
}

function nameOf(subject: string): string {
  return `n${subject.replace(/\W/g, '_')}`
}

const id = { name: 'id', type: 'string' }
const required = { name: 'quantity', type: 'int' }
const optional = { name: 'quantity', type: 'int', default: 1 }

/** What every registry does, the one in memory and a real one. */
export function registryConformance(name: string, open: (t: TestContext) => Promise<RegistryFixture>): void {
  test(`${name}: a schema that is registered is found by its id, its subject and its text`, async t => {
    const { registry, subject } = await open(t)
    const schema = recordOf(subject, id)
    assert.equal(await registry.latest(subject), undefined)
    assert.equal(await registry.idOf(subject, schema), undefined)
    const schemaId = await registry.register(subject, schema)
    assert.deepEqual(JSON.parse(await registry.schemaById(schemaId)), JSON.parse(schema))
    const latest = await registry.latest(subject)
    assert.equal(latest?.id, schemaId)
    assert.deepEqual(JSON.parse(latest.schema), JSON.parse(schema))
    assert.equal(await registry.idOf(subject, schema), schemaId)
    assert.equal(await registry.idOf(subject, recordOf(subject, id, optional)), undefined)
  })

  test(`${name}: registering again answers the same id, also of an older version`, async t => {
    const { registry, subject } = await open(t)
    const first = await registry.register(subject, recordOf(subject, id))
    assert.equal(await registry.register(subject, recordOf(subject, id)), first)
    const second = await registry.register(subject, recordOf(subject, id, optional))
    assert.notEqual(second, first)
    assert.equal(await registry.idOf(subject, recordOf(subject, id)), first)
    assert.equal((await registry.latest(subject))?.id, second)
  })

  test(`${name}: the same schema under two subjects has one id`, async t => {
    const { registry, subject } = await open(t)
    const first = await registry.register(subject, recordOf(subject, id))
    assert.equal(await registry.register(`${subject}-2`, recordOf(subject, id)), first)
  })

  test(`${name}: a BACKWARD subject takes what can read its latest version, and says why it takes no more`, async t => {
    const { registry, subject } = await open(t)
    await registry.setCompatibility(subject, 'BACKWARD')
    const candidate = recordOf(subject, id, required)
    assert.deepEqual(await registry.checkCompatibility(subject, candidate), {
      compatible: true,
      messages: [],
    })
    await registry.register(subject, recordOf(subject, id))
    await registry.setCompatibility(subject, 'BACKWARD')
    const refused = await registry.checkCompatibility(subject, candidate)
    assert.equal(refused.compatible, false)
    assert.match(refused.messages.join(), /quantity|fields\/1/)
    await assert.rejects(registry.register(subject, candidate), fails('TOPOLOGY_SCHEMA_INCOMPATIBLE'))
    const accepted = recordOf(subject, id, optional)
    assert.equal((await registry.checkCompatibility(subject, accepted)).compatible, true)
    await registry.register(subject, accepted)
    // A field may go again: whoever reads by the new version skips it.
    await registry.register(subject, recordOf(subject, optional))
  })

  test(`${name}: a FORWARD subject takes what its latest version can read`, async t => {
    const { registry, subject } = await open(t)
    await registry.register(subject, recordOf(subject, id))
    await registry.setCompatibility(subject, 'FORWARD')
    assert.equal(
      (await registry.checkCompatibility(subject, recordOf(subject, id, required))).compatible,
      true,
    )
    assert.equal((await registry.checkCompatibility(subject, recordOf(subject, required))).compatible, false)
  })

  test(`${name}: a subject without a check takes everything`, async t => {
    const { registry, subject } = await open(t)
    await registry.register(subject, recordOf(subject, id))
    await registry.setCompatibility(subject, 'NONE')
    const candidate = recordOf(subject, required)
    assert.equal((await registry.checkCompatibility(subject, candidate)).compatible, true)
    await registry.register(subject, candidate)
  })

  test(`${name}: an id that does not exist is unknown`, async t => {
    const { registry } = await open(t)
    await assert.rejects(
      registry.schemaById(2_000_000_000),
      fails('TOPOLOGY_SCHEMA_UNKNOWN', /no schema 2000000000/),
    )
  })

  test(`${name}: what is no schema is refused`, async t => {
    const { registry, subject } = await open(t)
    await assert.rejects(registry.register(subject, '{"type":"recor"}'), fails('TOPOLOGY_SCHEMA_INVALID'))
  })
}
