import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesAllocated } from '../src/micro/allocation-counter.ts'

const NUMBERS = 1_000
/** Eight bytes each, and a header. */
const ARRAY_BYTES = NUMBERS * 8

test('what is taken from the heap is counted, whether it is still there or was collected', async () => {
  const template = Array.from({ length: NUMBERS }, () => 0.5)
  const kept: number[][] = []
  const allocate = (times: number, keep: boolean) => async (): Promise<void> => {
    for (let index = 0; index < times; index += 1) {
      const array = template.slice()
      if (keep) kept.push(array)
    }
  }
  await allocate(100, false)()
  for (const keep of [true, false]) {
    const bytes = await bytesAllocated(allocate(5_000, keep))
    const wanted = ARRAY_BYTES * 5_000
    assert.ok(bytes > wanted * 0.9 && bytes < wanted * 1.5, `${bytes} instead of about ${wanted}`)
  }
  assert.equal(kept.length, 5_000)
})
