import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, int32, int64, json, string } from '../../src/serde/primitives.ts'
import { decoded, encoded, fails, openSerde } from './support.ts'

test('strings, integers and longs have the bytes that Kafka’s Java serializers give them', async () => {
  assert.equal(encoded(await openSerde(string()), 'zoë €😀').toString('hex'), '7a6fc3ab20e282acf09f9880')
  assert.equal(encoded(await openSerde(int32()), -2).toString('hex'), 'fffffffe')
  assert.equal(encoded(await openSerde(int64()), -(2n ** 63n)).toString('hex'), '8000000000000000')
})

test('simple values read back from the middle of a batch', async () => {
  const batch = Buffer.concat([Buffer.from('??'), Buffer.from('ada'), Buffer.from('??')])
  assert.equal((await openSerde(string())).decode(batch, 2, 5), 'ada')
  assert.deepEqual((await openSerde(bytes())).decode(batch, 2, 5), Buffer.from('ada'))
  assert.equal((await openSerde(int32())).decode(Buffer.from('00fffffffe00', 'hex'), 1, 5), -2)
  assert.equal(
    (await openSerde(int64())).decode(Buffer.from('0080000000000000000', 'hex'), 1, 9),
    -(2n ** 63n),
  )
  assert.deepEqual((await openSerde(json<number[]>())).decode(Buffer.from('x[1,2]x'), 1, 6), [1, 2])
})

test('an empty string and empty bytes are values, not tombstones', async () => {
  assert.equal(encoded(await openSerde(string()), '').length, 0)
  assert.equal(decoded(await openSerde(string()), Buffer.alloc(0)), '')
  assert.deepEqual(decoded(await openSerde(bytes()), Buffer.alloc(0)), Buffer.alloc(0))
})

test('decoded bytes do not share memory with the batch they came from', async () => {
  const batch = Buffer.from('ada')
  const value = decoded(await openSerde(bytes()), batch)
  batch.fill(0)
  assert.equal(value.toString(), 'ada')
})

test('a string of any length is encoded whole, also after a shorter one', async () => {
  const codec = await openSerde(string())
  for (const length of [3, 100, 5_000, 2, 200_000, 1]) {
    const value = '€'.repeat(length)
    assert.equal(encoded(codec, value).toString('utf8'), value)
  }
})

test('a value of another type is refused, and the message says what it was', async () => {
  const refused = 'TOPOLOGY_SERIALIZATION_FAILED'
  const text = await openSerde(string())
  assert.throws(() => text.encode(5 as never), fails(refused, /the value of bookings \(string\)/, /number 5/))
  const int = await openSerde(int32())
  for (const value of [1.5, 2 ** 31, Number.NaN, '1', 1n])
    assert.throws(() => int.encode(value as never), fails(refused))
  const long = await openSerde(int64())
  for (const value of [1, 2n ** 63n]) assert.throws(() => long.encode(value as never), fails(refused))
  const raw = await openSerde(bytes())
  assert.throws(() => raw.encode('ada' as never), fails(refused, /a string of 3/))
  const any = await openSerde(json<unknown>())
  for (const value of [undefined, () => 1, 1n]) assert.throws(() => any.encode(value), fails(refused))
})

test('bytes of the wrong length, or that are no JSON, are malformed, and the message shows them', async () => {
  const malformed = 'TOPOLOGY_DESERIALIZATION_FAILED'
  const int = await openSerde(int32())
  assert.throws(() => decoded(int, Buffer.from('0102', 'hex')), fails(malformed, /2 bytes: 01 02/))
  const long = await openSerde(int64())
  assert.throws(() => decoded(long, Buffer.alloc(0)), fails(malformed, /0 bytes/))
  const any = await openSerde(json<unknown>())
  assert.throws(() => decoded(any, Buffer.from('{')), fails(malformed, /not JSON/, /1 byte: 7b/))
})

test('a string with half a surrogate pair is written as well-formed UTF-8', async () => {
  const codec = await openSerde(string())
  assert.equal(encoded(codec, 'a\ud83d').toString('hex'), '61efbfbd')
})

test('only what has the same bytes for equal values says so', async () => {
  assert.equal((await openSerde(string())).isByteStable, true)
  assert.equal((await openSerde(int64())).isByteStable, true)
  assert.equal((await openSerde(json())).isByteStable, false)
})

test('a text is written the same, whatever was read before it', async () => {
  const codec = await openSerde(string())
  const texts = ['ada', 'adb', 'zoë', '', 'a'.repeat(64), 'a'.repeat(65), '\ufffd', 'ab']
  const malformed = Buffer.from([0x61, 0xff])
  for (const readBefore of [...texts.map(text => Buffer.from(text)), malformed, malformed.subarray(1)]) {
    for (const text of [...texts, 'a\ufffd']) {
      decoded(codec, readBefore)
      assert.deepEqual(encoded(codec, text), Buffer.from(text), `${text} after ${readBefore.toString('hex')}`)
    }
  }
})

test('what was read may be overwritten before it is written', async () => {
  const codec = await openSerde(string())
  const bytes = Buffer.from('ada')
  const text = decoded(codec, bytes)
  bytes.write('bob')
  assert.equal(encoded(codec, text).toString(), 'ada')
})
