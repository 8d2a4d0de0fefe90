import { isDeepStrictEqual } from 'node:util'
import type { DumpedRecord } from '../topic-dump.ts'
import type { Differences } from './differences.ts'

/** A record that has to have a dead letter, and the code of its reason. */
export interface Undeliverable {
  readonly topic: string
  readonly record: DumpedRecord
  readonly code: string
}

export interface DeadLetterTally {
  /** Records with a dead letter. */
  readonly records: number
  /** Letters of a record that had one before. */
  readonly repeats: number
  /** Records by the code of their reason: those that have to have a letter, and those that have one. */
  readonly expectedByCode: Readonly<Record<string, number>>
  readonly byCode: Readonly<Record<string, number>>
}

/** Every undeliverable record has its letter, with the record's own bytes and headers and the right reason; nothing else has. */
export function judgeDeadLetters(
  evidence: { readonly letters: readonly DumpedRecord[]; readonly undeliverable: readonly Undeliverable[] },
  differences: Differences,
  onRepeat: (source: Undeliverable, before: DumpedRecord, letter: DumpedRecord) => void,
): DeadLetterTally {
  const sources = new Map(evidence.undeliverable.map(each => [placeOf(each), each]))
  const latest = new Map<string, DumpedRecord>()
  const codes: string[] = []
  for (const letter of evidence.letters) {
    const [topic, partition, offset] = ['topic', 'partition', 'offset'].map(name =>
      headerOf(letter, `__streams.errors.${name}`),
    )
    const place = `${topic}-${partition}@${offset}`
    const source = sources.get(place)
    if (source === undefined) {
      const message = headerOf(letter, '__streams.errors.message')
      differences.add('wrong', `A dead letter of ${place}, which is a good record: ${message}`)
      continue
    }
    for (const fault of faultsOf(letter, source))
      differences.add('wrong', `The dead letter of ${place} ${fault}.`)
    const before = latest.get(place)
    if (before === undefined) codes.push(headerOf(letter, CODE_HEADER))
    else onRepeat(source, before, letter)
    latest.set(place, letter)
  }
  for (const [place, { code }] of sources) {
    if (!latest.has(place)) differences.add('lost', `The record ${place} has no dead letter (${code}).`)
  }
  return {
    records: latest.size,
    repeats: evidence.letters.length - latest.size,
    expectedByCode: countsOf(evidence.undeliverable.map(({ code }) => code)),
    byCode: countsOf(codes),
  }
}

const CODE_HEADER = 'tributary.errors.code'

function faultsOf(letter: DumpedRecord, { record, code }: Undeliverable): readonly string[] {
  const faults: string[] = []
  if (!isDeepStrictEqual([letter.key, letter.value], [record.key, record.value])) {
    faults.push("does not hold the record's own bytes")
  }
  if (!isDeepStrictEqual(letter.headers.slice(0, record.headers.length), record.headers)) {
    faults.push("does not begin with the record's own headers")
  }
  const found = headerOf(letter, CODE_HEADER)
  if (found !== code) faults.push(`gives ${found} for its reason and not ${code}`)
  return faults
}

function placeOf({ topic, record: { partition, offset } }: Undeliverable): string {
  return `${topic}-${partition}@${offset}`
}

function headerOf({ headers }: DumpedRecord, name: string): string {
  return headers.findLast(([each]) => each === name)?.[1]?.toString() ?? ''
}

/** By name, in alphabetical order. */
export function countsOf(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const name of names.toSorted()) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
