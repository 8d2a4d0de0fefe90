import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checksum } from '../../src/client/platformatic/checksum.ts'

test("the checksum is CRC-32C, by Castagnoli's check value and RFC 3720's vectors", () => {
  assert.equal(checksum(Buffer.from('123456789')), 0xe3069283)
  assert.equal(checksum(Buffer.alloc(32)), 0x8a9136aa)
  assert.equal(checksum(Buffer.alloc(32, 0xff)), 0x62a8ab43)
  assert.equal(checksum(Buffer.from(Array.from({ length: 32 }, (_, i) => i))), 0x46dd794e)
  assert.equal(checksum(Buffer.alloc(0)), 0)
  // A view into a larger buffer, at an odd place.
  assert.equal(checksum(Buffer.from('..123456789.').subarray(2, 11)), 0xe3069283)
})
