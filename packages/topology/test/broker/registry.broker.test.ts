import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { avro } from '../../src/serde/avro.ts'
import { defineAvro } from '../../src/serde/avro-schema.ts'
import { HttpSchemaRegistry } from '../../src/serde/http-schema-registry.ts'
import { registryConformance } from '../serde/schema-registry-conformance.ts'
import { decoded, encoded, fails, openSerde, read } from '../serde/support.ts'

const url = process.env['SCHEMA_REGISTRY_URL']
const skip = url === undefined ? 'SCHEMA_REGISTRY_URL names no schema registry' : false

interface Fixture {
  readonly registry: HttpSchemaRegistry
  readonly topic: string
}

function open(t: TestContext): Fixture {
  const topic = `registry-test-${randomUUID()}`
  t.after(async () => {
    for (const subject of [`${topic}-value`, `${topic}-value-2`])
      await fetch(`${url}/subjects/${subject}`, { method: 'DELETE' })
  })
  return { registry: new HttpSchemaRegistry({ url: url ?? '' }), topic }
}

if (skip === false)
  registryConformance('a real registry', t => {
    const { registry, topic } = open(t)
    return Promise.resolve({ registry, subject: `${topic}-value` })
  })

const fields = [
  { name: 'bookingId', type: 'string' },
  { name: 'bookedAt', type: { type: 'long', logicalType: 'timestamp-millis' } },
] as const
const name = `com.example.n${randomUUID().replaceAll('-', '')}`
const booking = defineAvro({ type: 'record', name, fields })
const newer = defineAvro({
  type: 'record',
  name,
  fields: [...fields, { name: 'n', type: 'int', default: 1 }],
})
const incompatible = defineAvro({ type: 'record', name, fields: [...fields, { name: 'n', type: 'int' }] })

test(
  'processes that start at the same moment all register the schema of a new subject',
  { skip },
  async t => {
    // Where the registry lets two registrations meet is up to it, so they get many chances.
    for (let round = 0; round < 25; round += 1) {
      const { topic } = open(t)
      await Promise.all(
        Array.from({ length: 8 }, () =>
          openSerde(avro(booking), {
            registry: new HttpSchemaRegistry({ url: url ?? '' }),
            topic,
            read: false,
          }),
        ),
      )
    }
  },
)

test('an old reader and a new one read what old and new writers registered', { skip }, async t => {
  const { registry, topic } = open(t)
  const old = await openSerde(avro(booking), { registry, topic })
  await registry.setCompatibility(`${topic}-value`, 'BACKWARD')
  const fresh = await openSerde(avro(newer), { registry, topic })
  const written = encoded(old, { bookingId: 'b1', bookedAt: 5 })
  assert.deepEqual(await read(fresh, written), { bookingId: 'b1', bookedAt: 5, n: 1 })
  const newlyWritten = encoded(fresh, { bookingId: 'b2', bookedAt: 6, n: 2 })
  assert.deepEqual(await read(old, newlyWritten), { bookingId: 'b2', bookedAt: 6 })
})

test('a schema that the registry refuses stops the start and says what differs', { skip }, async t => {
  const { registry, topic } = open(t)
  await openSerde(avro(booking), { registry, topic })
  await registry.setCompatibility(`${topic}-value`, 'BACKWARD')
  await assert.rejects(
    openSerde(avro(incompatible), { registry, topic }),
    fails('TOPOLOGY_SCHEMA_INCOMPATIBLE', /n is not in the writer's schema/, new RegExp(`${topic}-value`)),
  )
})

test('a restart with the registered schema needs no registration', { skip }, async t => {
  const { registry, topic } = open(t)
  const strict = avro(booking, { autoRegister: false })
  await assert.rejects(
    openSerde(strict, { registry, topic }),
    fails('TOPOLOGY_SCHEMA_INCOMPATIBLE', /autoRegister is false/),
  )
  await openSerde(avro(booking), { registry, topic })
  const codec = await openSerde(strict, { registry, topic })
  assert.deepEqual(decoded(codec, encoded(codec, { bookingId: 'b', bookedAt: 1 })), {
    bookingId: 'b',
    bookedAt: 1,
  })
})
