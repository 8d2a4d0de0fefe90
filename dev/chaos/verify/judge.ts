import { isDeepStrictEqual } from 'node:util'
import type { Activity, Customer, DomainEvent } from '@tributary/marketing-events'
import type { DumpedRecord } from '../topic-dump.ts'
import { fateOf } from '../load/poison.ts'
import { judgeDeadLetters, type DeadLetterTally, type Undeliverable } from './dead-letters.ts'
import { Differences } from './differences.ts'
import { activityIdOf, expectedOutput } from './recompute.ts'
import { Repeats, type DoneInput } from './repeats.ts'
import type { RowHistory } from './row-history.ts'
import { iso, type Repeat, type Timeline } from './timeline.ts'

export interface OutputEvent {
  readonly type: string
  readonly value: { readonly eventId: string; readonly customerId: string }
}

export interface Evidence {
  readonly guarantee: 'at-least-once' | 'exactly-once'
  readonly inputs: readonly DumpedRecord[]
  readonly outputs: readonly DumpedRecord[]
  readonly deadLetters: readonly DumpedRecord[]
  readonly customers: RowHistory<Customer>
  readonly activities: RowHistory<Activity>
  /** Lookup records that have to have a dead letter. */
  readonly undeliverableRows: readonly Undeliverable[]
  readonly inputTopic: string
  readonly timeline: Timeline
  readonly decodeInput: (value: Buffer) => DomainEvent
  readonly decodeOutput: (value: Buffer) => OutputEvent
  /** What processing may take to go on after the last disturbance. */
  readonly recoveryMs: number
}

export interface Judgement {
  readonly expectedOutputs: number
  readonly longestPauseMs: number
  readonly longestPause: string
  readonly longestRecoveryMs: number
  readonly deadLetters: DeadLetterTally
  readonly differences: Differences
}

interface Input {
  readonly record: DumpedRecord
  readonly event: DomainEvent
  /** When the first of its outputs was there, and when each of them was. */
  doneAt?: number
  readonly times: number[]
}

/** A commit is seen a little after it was made, and a row a little after it was appended. */
const SEEN_WITHIN_MS = 1_500

/** Compares what came out with what had to, given what went in and what was broken meanwhile. */
export function judge(evidence: Evidence): Judgement {
  return new Judge(evidence).result()
}

class Judge {
  readonly #evidence: Evidence
  readonly #differences = new Differences()
  readonly #inputs = new Map<string, Input>()
  readonly #undeliverable: Undeliverable[] = []

  constructor(evidence: Evidence) {
    this.#evidence = evidence
    this.#undeliverable.push(...evidence.undeliverableRows)
    for (const record of evidence.inputs) this.#take(record)
  }

  result(): Judgement {
    const { timeline } = this.#evidence
    this.#judgeOutputs()
    this.#judgeRepeats()
    const expectedOutputs = this.#judgeMissing()
    const deadLetters = this.#judgeDeadLetters()
    for (const sentence of timeline.commitsThatWentBack()) this.#differences.add('wrong', sentence)
    return { expectedOutputs, deadLetters, ...this.#judgePauses(), differences: this.#differences }
  }

  #take(record: DumpedRecord): void {
    const { inputTopic, decodeInput } = this.#evidence
    const fate = fateOf(record, 'event')
    if (fate.becomes === 'letter') {
      this.#undeliverable.push({ topic: inputTopic, record, code: fate.code })
    }
    // Where anything comes out of the others, it is something that never went in.
    if (fate.becomes !== 'processed') return
    const event = decodeInput(record.value!)
    this.#inputs.set(event.value.eventId, { record, event, times: [] })
  }

  #judgeOutputs(): void {
    /** The furthest input of a key whose output has been there. */
    const furthest = new Map<string, Input>()
    for (const record of this.#evidence.outputs) {
      const output = this.#evidence.decodeOutput(record.value!)
      const input = this.#inputs.get(output.value.eventId)
      if (input === undefined) {
        this.#differences.add('wrong', `${output.value.eventId} came out and never went in.`)
        continue
      }
      this.#judgeValue(input, output, record)
      input.times.push(record.timestamp)
      if (input.doneAt !== undefined) continue
      input.doneAt = record.timestamp
      const { customerId } = output.value
      const before = furthest.get(customerId)
      if (before !== undefined && before.record.offset > input.record.offset) {
        if (this.#wasDroppedBefore(input, record.timestamp)) continue
        this.#differences.add(
          'overtaken',
          `${describe(input)} came out at ${iso(record.timestamp)}, behind ${describe(before)} of the same customer; around it: ${this.#evidence.timeline.around(record.timestamp)}.`,
        )
        continue
      }
      furthest.set(customerId, input)
    }
  }

  #judgeValue(input: Input, output: OutputEvent, record: DumpedRecord): void {
    const { event } = input
    const { timeline } = this.#evidence
    if (!isDeepStrictEqual(record.headers, input.record.headers)) {
      this.#differences.add(
        'wrong',
        `${describe(input)} came out with other headers at ${iso(record.timestamp)}.`,
      )
    }
    const from = timeline.oldestTableView(input.record.timestamp, record.timestamp)
    const to = record.timestamp + SEEN_WITHIN_MS
    const { customers, activities } = this.#rowsSeen(event, from, to)
    const isRight = customers.some(
      customer =>
        customer?.marketingOptIn === true &&
        activities.some(
          activity =>
            activity !== undefined &&
            isDeepStrictEqual(
              plain(output),
              plain(expectedOutput(event, customer, activity === 'none' ? undefined : activity)),
            ),
        ),
    )
    if (isRight) return
    this.#differences.add(
      'wrong',
      `${describe(input)} became ${JSON.stringify(output)} at ${iso(record.timestamp)}; possible rows from ${iso(from)}: ${JSON.stringify({ customers, activities })}.`,
    )
  }

  #rowsSeen(
    event: DomainEvent,
    from: number,
    to: number,
  ): {
    readonly customers: readonly (Customer | undefined)[]
    /** 'none': the event names no activity. */
    readonly activities: readonly (Activity | 'none' | undefined)[]
  } {
    const activityId = activityIdOf(event)
    return {
      customers: this.#evidence.customers.seenBetween(event.value.customerId, from, to),
      activities:
        activityId === undefined ? ['none'] : this.#evidence.activities.seenBetween(activityId, from, to),
    }
  }

  #judgeRepeats(): void {
    const done = [...this.#inputs.values()].filter(({ times }) => times.length > 0).map(doneInput)
    const repeats = new Repeats(done, this.#evidence.timeline)
    for (const input of done) {
      for (const [index, again] of input.times.slice(1).entries()) {
        const times = { before: input.times[index]!, again }
        const said = this.#saidOf(input, times, 'An output')
        this.#differences.add('duplicates', said)
        const isExactlyOnce = this.#evidence.guarantee === 'exactly-once'
        if (isExactlyOnce || repeats.isExplained(input, times)) continue
        this.#differences.add('wrong', `No crash accounts for this: ${said}`)
      }
    }
  }

  #saidOf({ partition, offset }: { partition: number; offset: number }, times: Repeat, what: string): string {
    const { timeline } = this.#evidence
    return `${what} of ${partition}@${offset} came at ${iso(times.before)} and again at ${iso(times.again)}, committed past at ${iso(timeline.committedPastAt(partition, offset))}; around it: ${timeline.around(times.again)}.`
  }

  /** Whether one of its rows was missing, or without consent, at some time from the input's arrival to a moment. */
  #mayBeDropped({ record, event }: Input, until: number): boolean {
    const from = this.#evidence.timeline.oldestTableView(record.timestamp, until)
    const { customers, activities } = this.#rowsSeen(event, from, until + SEEN_WITHIN_MS)
    return customers.some(customer => customer?.marketingOptIn !== true) || activities.includes(undefined)
  }

  /** It was in its turn when a row of it was missing; it comes out because the input is done again. */
  #wasDroppedBefore(input: Input, time: number): boolean {
    const { partition, offset } = input.record
    const { timeline } = this.#evidence
    // When its turn was is not known: not before it was there.
    const times = { before: input.record.timestamp, again: time }
    return this.#mayBeDropped(input, time) && timeline.mayBeRepeated(partition, offset, times)
  }

  /** @returns how many inputs have an output, or should have */
  #judgeMissing(): number {
    const { timeline } = this.#evidence
    let expected = 0
    for (const input of this.#inputs.values()) {
      if (input.doneAt !== undefined) {
        expected += 1
        continue
      }
      const { record } = input
      const doneAt = timeline.committedPastAt(record.partition, record.offset)
      if (this.#mayBeDropped(input, doneAt)) continue
      expected += 1
      this.#differences.add(
        'lost',
        `${describe(input)}, in at ${iso(record.timestamp)}, committed past at ${iso(doneAt)}, never came out; around it: ${timeline.around(Number.isFinite(doneAt) ? doneAt : record.timestamp)}.`,
      )
    }
    return expected
  }

  #judgeDeadLetters(): DeadLetterTally {
    const { inputTopic, deadLetters: letters, guarantee, timeline } = this.#evidence
    const evidence = { letters, undeliverable: this.#undeliverable }
    return judgeDeadLetters(evidence, this.#differences, ({ topic, record }, before, letter) => {
      // Every process reads the lookup topics for itself, and again whenever it starts.
      if (topic !== inputTopic) return
      const times = { before: before.timestamp, again: letter.timestamp }
      const isAllowed =
        guarantee === 'at-least-once' &&
        (timeline.mayComeLate(record.timestamp, times) ||
          timeline.mayBeRepeated(record.partition, record.offset, times))
      if (isAllowed) return
      this.#differences.add(
        'wrong',
        `Nothing accounts for this: ${this.#saidOf(record, times, 'A dead letter')}`,
      )
    })
  }

  /** Per partition, over what came out for the first time: how long nothing did although an input was waiting. */
  #judgePauses(): Pick<Judgement, 'longestPauseMs' | 'longestPause' | 'longestRecoveryMs'> {
    const { timeline, recoveryMs } = this.#evidence
    let longestPauseMs = 0
    let longestPause = 'none'
    let longestRecoveryMs = 0
    const done = [...this.#inputs.values()].filter(({ doneAt }) => doneAt !== undefined)
    for (const [partition, inputs] of Map.groupBy(done, ({ record }) => record.partition)) {
      let before = -Infinity
      for (const { record, doneAt = 0 } of inputs.toSorted((one, other) => one.doneAt! - other.doneAt!)) {
        const since = Math.max(before, record.timestamp)
        before = doneAt
        const pause = doneAt - since
        if (pause > longestPauseMs) {
          longestPauseMs = pause
          longestPause = `partition ${partition} from ${iso(since)} to ${iso(doneAt)}`
        }
        const recovery = doneAt - Math.max(since, timeline.lastDisturbance(since, doneAt) ?? since)
        longestRecoveryMs = Math.max(longestRecoveryMs, recovery)
        if (recovery <= recoveryMs) continue
        this.#differences.add(
          'late',
          `partition ${partition} stood still from ${iso(since)} to ${iso(doneAt)}, ${(recovery / 1_000).toFixed(1)} s beyond the last disturbance (${recoveryMs / 1_000} s are allowed); around it: ${timeline.around(since)}.`,
        )
      }
    }
    return { longestPauseMs, longestPause, longestRecoveryMs }
  }
}

function doneInput({ record, event, times }: Input): DoneInput {
  const { partition, offset, timestamp: arrivedAt } = record
  return { partition, offset, arrivedAt, times, isDoneInTurn: event.type !== 'bookingCompleted' }
}

function describe({ record, event }: Input): string {
  return `${event.type} ${event.value.eventId} of ${event.value.customerId} (${record.partition}@${record.offset})`
}

/** Values of a decoder may have prototypes of their own. */
function plain(value: object): unknown {
  return JSON.parse(JSON.stringify(value))
}
