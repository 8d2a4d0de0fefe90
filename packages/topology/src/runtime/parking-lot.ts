import { Fifo } from '../fifo.ts'
import type { ParkingOutcome } from '../observability/counters.ts'
import type { Parking, ParkingOutcomes, TableReader } from '../plan/compiled.ts'
import type { InFlightRecord, KeyLane } from './in-flight.ts'
import type { Task } from './task.ts'

interface ParkedRecord {
  readonly record: InFlightRecord
  readonly key: unknown
  readonly value: unknown
  readonly tableKey: unknown
  /** Undefined without a key, and so without an order. */
  readonly turn: string | undefined
  readonly sinceMs: number
  /** Its time: the next look at the table is the last. */
  isOver: boolean
  cancelTimer: () => void
  /** Only who is first in its turn asks the table. */
  unwatch: (() => void) | undefined
  isDue: boolean
}

/** Behind which records of a lane the next one has waited, and till when. */
interface WaitBefore {
  readonly sinceMs: number
  readonly untilMs: number
}

export interface ParkingLotOptions {
  readonly step: string
  readonly table: TableReader
  readonly parkForMs: number
  readonly outcomes: ParkingOutcomes
}

/**
 * The records of one join in one task that wait for their rows (law 2: later records with the input key wait behind them at
 * the source, those with the stream's key here). A row that comes, or the end of a record's time, only makes the record due;
 * the task goes on with it when it has its turn, as far as the steps behind the join have room.
 *
 * What a record waits behind one that was parked here counts as its own waiting. So a key without a row is through
 * `parkForMs` after its last record was read, and not after as many times that as it has records.
 */
export class ParkingLot implements Parking {
  readonly #task: Task
  readonly #options: ParkingLotOptions
  readonly #parked = new Set<ParkedRecord>()
  readonly #turns = new Map<string, Fifo<ParkedRecord>>()
  readonly #due = new Fifo<ParkedRecord>()
  readonly #waitsBefore = new WeakMap<KeyLane, WaitBefore>()
  #isClosed = false

  constructor(task: Task, options: ParkingLotOptions) {
    this.#task = task
    this.#options = options
  }

  get size(): number {
    return this.#parked.size
  }

  get hasDue(): boolean {
    return this.#due.length > 0
  }

  isWaiting(key: unknown): boolean {
    if (this.#turns.size === 0) return false
    const turn = turnOf(key)
    return turn !== undefined && this.#turns.has(turn)
  }

  add(key: unknown, value: unknown, tableKey: unknown): void {
    const { step, parkForMs } = this.#options
    const { environment, inFlight } = this.#task
    const record = this.#task.hold(true)
    const sinceMs = this.#waitingSince(record)
    const parked: ParkedRecord = {
      record,
      key,
      value,
      tableKey,
      turn: turnOf(key),
      sinceMs,
      isOver: false,
      cancelTimer: () => undefined,
      unwatch: undefined,
      isDue: false,
    }
    const isFirst = this.#queue(parked)
    if (this.#isClosed) {
      inFlight.giveUp(record)
      return
    }
    this.#parked.add(parked)
    environment.counters.parked(step)
    if (isFirst) this.#watch(parked)
    const end = (): void => {
      parked.isOver = true
      this.#wake(parked)
    }
    const leftMs = sinceMs + parkForMs - environment.clock.monotonicMs()
    if (leftMs > 0) parked.cancelTimer = environment.clock.schedule(leftMs, end)
    else end()
  }

  /** Goes on with the first record that is due, or finds that it has to wait still. */
  resumeNext(): void {
    const parked = this.#due.take()
    if (parked === undefined) return
    parked.isDue = false
    if (!this.#parked.has(parked) || !this.#isFirst(parked)) return
    const { step, outcomes } = this.#options
    const { key, value, tableKey, record } = parked
    // What throws in between, the task has dealt with.
    let outcome = 'failed' as ParkingOutcome | 'waits'
    this.#task.resume(record, () => {
      this.#task.enter(step)
      const row = this.#rowOf(parked)
      outcome = this.#outcomeOf(parked, row)
      if (row !== undefined) outcomes.onRow(key, value, row)
      else if (outcome === 'waits') this.#watch(parked)
      else outcomes.onNoRow(key, value, tableKey)
    })
    if (outcome !== 'waits') this.#leave(parked, outcome)
  }

  /**
   * The task reads nothing further, so that it may be given up: nobody waits here for what may never come. The records are
   * left as they are, unfinished and uncommitted, to whoever has the partition next, which repeats them and what came after
   * them. Ending their time early instead would drop records whose row is only late. What reaches the join now from steps
   * before it is left likewise where it would have to wait, so that nothing overtakes.
   */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const { record, cancelTimer, unwatch } of this.#parked) {
      cancelTimer()
      unwatch?.()
      this.#task.environment.counters.unparked(this.#options.step, 'given-up')
      this.#task.inFlight.giveUp(record)
    }
    this.#parked.clear()
    this.#due.clear()
  }

  #rowOf({ tableKey }: ParkedRecord): unknown {
    return tableKey === null || tableKey === undefined ? undefined : this.#options.table.get(tableKey)
  }

  #outcomeOf({ tableKey, isOver }: ParkedRecord, row: unknown): ParkingOutcome | 'waits' {
    if (row !== undefined || tableKey === null || tableKey === undefined) return 'resumed'
    return isOver ? 'timedOut' : 'waits'
  }

  #watch(parked: ParkedRecord): void {
    parked.unwatch ??= this.#options.table.watch(parked.tableKey, () => this.#wake(parked))
  }

  #wake(parked: ParkedRecord): void {
    if (parked.isDue) return
    parked.isDue = true
    this.#due.push(parked)
    this.#task.environment.onReady(this.#task)
  }

  #leave(parked: ParkedRecord, outcome: ParkingOutcome): void {
    // Going on with it may have ended the application, which gave it up.
    if (!this.#parked.delete(parked)) return
    const { record, turn, sinceMs } = parked
    const { environment, inFlight } = this.#task
    parked.cancelTimer()
    parked.unwatch?.()
    environment.counters.unparked(this.#options.step, outcome)
    if (record.lane !== undefined)
      this.#waitsBefore.set(record.lane, { sinceMs, untilMs: environment.clock.monotonicMs() })
    if (turn !== undefined) this.#nextTurn(turn)
    // Last, as it may bring the next record of the lane here.
    inFlight.release(record, true)
  }

  /** Whether nobody is before it. */
  #queue(parked: ParkedRecord): boolean {
    const { turn } = parked
    if (turn === undefined) return true
    const queue = this.#turns.get(turn) ?? new Fifo()
    this.#turns.set(turn, queue)
    queue.push(parked)
    return queue.length === 1
  }

  #isFirst(parked: ParkedRecord): boolean {
    return parked.turn === undefined || this.#turns.get(parked.turn)?.peek() === parked
  }

  #nextTurn(turn: string): void {
    const queue = this.#turns.get(turn)
    queue?.take()
    const next = queue?.peek()
    if (next === undefined) this.#turns.delete(turn)
    else this.#wake(next)
  }

  #waitingSince({ lane, waitingSinceMs }: InFlightRecord): number {
    const nowMs = this.#task.environment.clock.monotonicMs()
    const before = lane && this.#waitsBefore.get(lane)
    if (before === undefined || waitingSinceMs === undefined) return nowMs
    return nowMs - Math.max(0, before.untilMs - Math.max(before.sinceMs, waitingSinceMs))
  }
}

function turnOf(key: unknown): string | undefined {
  if (key === null || key === undefined) return undefined
  return typeof key === 'string'
    ? key
    : JSON.stringify(key, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part))
}
