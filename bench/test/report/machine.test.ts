import assert from 'node:assert/strict'
import { test } from 'node:test'
import { machineSlug, type Machine } from '../../src/report/machine.ts'

test('a machine has a folder that says what it is', () => {
  const slugOf = (processor: string): string => machineSlug({ processor, cores: 2 } as Machine)
  assert.equal(slugOf('AMD EPYC 9B45 96-Core Processor'), 'amd-epyc-9b45-2-cores')
  assert.equal(slugOf('Intel(R) Xeon(R) CPU @ 2.20GHz'), 'intel-xeon-2-cores')
  assert.equal(slugOf('Apple M4'), 'apple-m4-2-cores')
})
