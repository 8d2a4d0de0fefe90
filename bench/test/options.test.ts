import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allMeasurements, measurementOf } from '../src/all.ts'
import { BenchError } from '../src/bench-error.ts'
import { readCommandLine, type Measurement } from '../src/options.ts'

function measurement(...args: string[]): Measurement {
  const line = readCommandLine(args)
  assert.ok(line.kind === 'measure')
  return line.measurement
}

function refusal(...args: string[]): string {
  try {
    readCommandLine(args)
  } catch (error) {
    assert.ok(error instanceof BenchError)
    assert.equal(error.code, 'BENCH_USAGE')
    return error.message.split('\n')[0]!
  }
  assert.fail(`${args.join(' ')} was taken`)
}

test('without arguments the job is compared on two million bookings, three times', () => {
  const { kind, options } = measurement()
  assert.ok(kind === 'compare' && 'size' in options)
  assert.equal(options.size.bookings, 2_000_000)
  assert.equal(options.runs, 3)
  assert.ok(options.contestants.length >= 5)
})

test('a variant that everybody is slow in has fewer bookings, unless more are asked for', () => {
  const bookings = (...args: string[]): number => {
    const { options } = measurement('--variant', 'enriched', ...args)
    assert.ok('size' in options)
    return options.size.bookings
  }
  assert.ok(bookings() < 2_000_000)
  assert.equal(bookings('--records', '3000000'), 3_000_000)
})

test('what would have no effect is refused, and what is allowed is named', () => {
  assert.match(refusal('tables', '--records', '5000'), /--records means nothing to 'tables'.*--rows/)
  assert.match(refusal('--warm-up', '3'), /--warm-up means nothing to 'the comparison'/)
  assert.match(refusal('report', '--json'), /--json means nothing to 'report'; allowed: no option/)
  assert.match(refusal('memory'), /'memory' is nothing that can be measured; allowed are latency, tables/)
  assert.match(refusal('--records', '1e9'), /--records is '1e9'; allowed is a whole number from 1000/)
  assert.match(refusal('--only', 'goka'), /--only names 'goka'; allowed are all, tributary/)
  assert.match(refusal('--variant', 'gzip'), /--variant is 'gzip'; allowed are plain, lz4/)
  assert.match(refusal('growth', '--only', 'width'), /allowed are all, partitions, tables, steps, rows/)
})

for (const isQuick of [false, true]) {
  test(`all of it ${isQuick ? 'at small sizes ' : ''}is made of commands that one can repeat`, () => {
    const kinds = new Set(allMeasurements(isQuick).map(args => measurementOf(args).kind))
    assert.deepEqual([...kinds].toSorted(), ['compare', 'growth', 'latency', 'tables'])
  })
}
