import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { topology } from '../../src/dsl/builder.ts'
import { json, string } from '../../src/serde/primitives.ts'
import { TopologyTestDriver } from '../../src/testing/topology-test-driver.ts'
import { streamTopic, tableTopic } from '../../src/topic.ts'
import { oracleAsync } from '../../../../test-support/oracle.ts'

/*
 * Random histories of events, rows, tombstones and time. The oracle: an event has its turn when the one before it with its
 * key is through; from then on the first moment with a row joins it, until `PARK_FOR_MS` after it was put.
 */

interface Event {
  readonly id: number
  /** Asked of the table by the global join. */
  readonly rowKey: string
}

const events = streamTopic('events', { key: string(), value: json<Event>() })
const results = streamTopic('results', { key: string(), value: string() })
const rows = tableTopic('rows', { key: string(), value: string() })

const PARK_FOR_MS = 50
const KEYS = ['a', 'b', 'c', 'd']

const step = fc.oneof(
  fc.record({
    kind: fc.constant('event' as const),
    key: fc.constantFrom(...KEYS, null),
    rowKey: fc.constantFrom(...KEYS),
  }),
  fc.record({ kind: fc.constant('row' as const), rowKey: fc.constantFrom(...KEYS), isGone: fc.boolean() }),
  fc.record({ kind: fc.constant('time' as const), ms: fc.constantFrom(1, 10, 25, 49, 50, 60) }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never
type Outer = 'inner' | 'left'
type Scope = 'partitioned' | 'global'

function parkingTopology(scope: Scope, outer: Outer) {
  const builder = topology('parking')
  const stream = builder.stream(events)
  const missing = { parkForMs: PARK_FOR_MS }
  const joiner = ({ id }: Event, row: string | undefined): string => `${id} ${row ?? 'none'}`
  if (scope === 'global') {
    const options = { key: ({ rowKey }: Event) => rowKey, joiner, missing, name: 'joined' }
    const table = builder.globalTable(rows)
    const joined = outer === 'inner' ? stream.join(table, options) : stream.leftJoin(table, options)
    joined.to(results)
  } else {
    const table = builder.table(rows)
    const options = { joiner, missing, name: 'joined' }
    const joined = outer === 'inner' ? stream.join(table, options) : stream.leftJoin(table, options)
    joined.to(results)
  }
  return builder.build()
}

interface Put {
  readonly id: number
  readonly key: string | null
  readonly rowKey: string | undefined
  readonly atMs: number
}

/** Asks again after every millisecond and every change who is through. */
class Oracle {
  readonly #outer: Outer
  readonly #waiting: Put[] = []
  readonly #rows = new Map<string, string>()
  #nowMs = 0
  readonly outputs: { readonly key: string | null; readonly value: string }[] = []
  timedOut = 0
  keyless = 0

  constructor(outer: Outer) {
    this.#outer = outer
  }

  get waiting(): number {
    return this.#waiting.length
  }

  put(id: number, key: string | null, rowKey: string | undefined): void {
    if (rowKey === undefined && this.#outer === 'inner') this.keyless += 1
    else this.#waiting.push({ id, key, rowKey, atMs: this.#nowMs })
    this.#settle()
  }

  setRow(rowKey: string, row: string | undefined): void {
    if (row === undefined) this.#rows.delete(rowKey)
    else this.#rows.set(rowKey, row)
    this.#settle()
  }

  pass(ms: number): void {
    for (let i = 0; i < ms; i += 1) {
      this.#nowMs += 1
      this.#settle()
    }
  }

  /** Whoever is first of its key and has a row, or has had its time, is through; until that is nobody. */
  #settle(): void {
    for (;;) {
      const index = this.#waiting.findIndex((put, i) => this.#isFirst(put, i) && this.#isThrough(put))
      const [put] = index < 0 ? [] : this.#waiting.splice(index, 1)
      if (put === undefined) return
      const row = put.rowKey === undefined ? undefined : this.#rows.get(put.rowKey)
      if (row === undefined && put.rowKey !== undefined) this.timedOut += 1
      if (row !== undefined || this.#outer === 'left')
        this.outputs.push({ key: put.key, value: `${put.id} ${row ?? 'none'}` })
    }
  }

  #isFirst({ key }: Put, index: number): boolean {
    return key === null || this.#waiting.findIndex(put => put.key === key) === index
  }

  #isThrough({ rowKey, atMs }: Put): boolean {
    return rowKey === undefined || this.#rows.has(rowKey) || this.#nowMs >= atMs + PARK_FOR_MS
  }
}

const byKey = (
  outputs: readonly { readonly key: string | null; readonly value: string }[],
): Readonly<Record<string, readonly string[]>> => {
  const grouped: Record<string, string[]> = {}
  for (const { key, value } of outputs) (grouped[String(key)] ??= []).push(value)
  // Records without a key have no order.
  grouped['null']?.sort()
  return grouped
}

async function run(scope: Scope, outer: Outer, history: readonly Step[]): Promise<void> {
  const driver = await TopologyTestDriver.create(parkingTopology(scope, outer))
  const oracle = new Oracle(outer)
  const input = driver.input(events)
  const table = driver.table(rows)
  const outputs: { readonly key: string | null; readonly value: string }[] = []
  for (const [id, taken] of history.entries()) {
    switch (taken.kind) {
      case 'event': {
        const { key, rowKey } = taken
        input.put(key, { id, rowKey })
        oracle.put(id, key, scope === 'global' ? rowKey : (key ?? undefined))
        break
      }
      case 'row':
        if (taken.isGone) table.tombstone(taken.rowKey)
        else table.put(taken.rowKey, `row ${id}`)
        oracle.setRow(taken.rowKey, taken.isGone ? undefined : `row ${id}`)
        break
      case 'time':
        await driver.advance(taken.ms)
        oracle.pass(taken.ms)
    }
    outputs.push(...driver.output(results).take())
    assert.deepEqual(byKey(outputs), byKey(oracle.outputs))
    assert.equal(driver.inFlight, oracle.waiting)
  }
  await driver.advance(PARK_FOR_MS)
  oracle.pass(PARK_FOR_MS)
  outputs.push(...driver.output(results).take())
  assert.deepEqual(byKey(outputs), byKey(oracle.outputs))
  assert.equal(driver.inFlight, 0)
  assert.equal(driver.clock.timers, 0)
  const { drops, parked } = driver.counters
  assert.equal(parked['joined']?.timedOut ?? 0, oracle.timedOut)
  assert.equal(drops['joined']?.['park-timeout'] ?? 0, outer === 'inner' ? oracle.timedOut : 0)
  assert.equal(driver.takeDeadLetters().length, oracle.keyless)
  await driver.close()
}

for (const scope of ['partitioned', 'global'] as const)
  for (const outer of ['inner', 'left'] as const)
    test(`${outer} join of a ${scope} table: each event is joined at its first moment with a row, or has had its time`, async () => {
      await oracleAsync(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), history => run(scope, outer, history)),
        { runs: 300 },
      )
    })
