import { crc32 } from 'node:zlib'
import type { KafkaClient } from '../../client/ports.ts'
import { partitionForKey } from '../../wire/murmur2.ts'
import { factsOf, type LetterFacts } from './letter.ts'
import { partitionCountOf, visitRecords, type PartitionRange, type StoredRecord } from '../read-topic.ts'
import type { Selection } from './selection.ts'

/** One letter to be played. Small: there is one of each in memory. */
export interface PlannedLetter {
  readonly partition: number
  readonly offset: number
  /** Without one the letter has no place in the order of a source, and none to go back to. */
  readonly source: SourcePlace | undefined
}

interface SourcePlace {
  /** The source partition. */
  readonly lane: string
  readonly topic: string
  readonly offset: number
  /** Of the record: a topic that was made anew has the same offsets for others. */
  readonly checksum: number
}

export interface TopicIndex {
  /** By partition: the offsets of all letters. */
  readonly letters: ReadonlyMap<number, readonly number[]>
  /** Those that the selection takes, in the order of the topic. */
  readonly selected: readonly PlannedLetter[]
  /** `code → letters` of those. */
  readonly codes: ReadonlyMap<string, number>
}

export interface IndexOptions {
  readonly topic: string
  readonly ranges: readonly PartitionRange[]
  readonly isSelected: Selection
  readonly signal: AbortSignal | undefined
}

/** Reads the topic once. */
export async function indexTopic(kafka: KafkaClient, options: IndexOptions): Promise<TopicIndex> {
  const { topic, ranges, isSelected, signal } = options
  const letters = new Map<number, number[]>(ranges.map(({ partition }) => [partition, []]))
  const selected: PlannedLetter[] = []
  const codes = new Map<string, number>()
  const lanes = new Map<string, string>()
  await visitRecords(kafka, { topic, ranges, signal }, record => {
    const { partition, offset } = record
    letters.get(partition)?.push(offset)
    const facts = factsOf(record)
    if (!isSelected(record, facts)) return
    const code = facts.code === '' ? facts.exception || '-' : facts.code
    codes.set(code, (codes.get(code) ?? 0) + 1)
    selected.push({ partition, offset, source: sourcePlace(record, facts, lanes) })
  })
  return { letters, selected, codes }
}

function sourcePlace(
  { key, value }: StoredRecord,
  { source, timestampMs }: LetterFacts,
  lanes: Map<string, string>,
): SourcePlace | undefined {
  if (source === undefined) return undefined
  const name = `${source.topic}\u0000${source.partition}`
  // The same string for all of a lane's letters.
  const lane = lanes.get(name) ?? name
  lanes.set(name, lane)
  const checksum = crc32(value ?? '', crc32(key ?? '', crc32(String(timestampMs))))
  return { lane, topic: source.topic, offset: source.offset, checksum }
}

export interface ReplayOrder {
  readonly ordered: readonly PlannedLetter[]
  /** Further letters of records that are played, or have been: done with, without being played. */
  readonly repeated: readonly PlannedLetter[]
}

/**
 * The order of playing: each source partition's letters by their source offsets. Sources take turns as they do in the
 * topic, so that what is played stays close to a contiguous part of it. A record that was dead-lettered twice, as after a
 * crash, is played once.
 */
export function orderForReplay(
  letters: readonly PlannedLetter[],
  isPlayed: (letter: PlannedLetter) => boolean,
): ReplayOrder {
  const repeated: PlannedLetter[] = []
  const queues: Queue[] = []
  for (const [lane, members] of Map.groupBy(letters, letter => letter.source?.lane)) {
    const waiting =
      lane === undefined
        ? members.filter(letter => !isPlayed(letter))
        : Array.from(Map.groupBy(members, identityOf).values())
            .flatMap(same => {
              const first = same.some(isPlayed) ? undefined : same[0]
              repeated.push(...same.filter(letter => letter !== first && !isPlayed(letter)))
              return first ?? []
            })
            .toSorted((a, b) => (a.source?.offset ?? 0) - (b.source?.offset ?? 0))
    queues.push({ letters: waiting, next: 0 })
  }
  return { ordered: merge(queues), repeated }
}

function identityOf({ source }: PlannedLetter): string {
  return `${source?.offset}/${source?.checksum}`
}

interface Queue {
  readonly letters: readonly PlannedLetter[]
  next: number
}

/** Where a letter stands within its partition's selection, from 0 to 1: comparable between partitions of any size. */
function ranks(letters: readonly PlannedLetter[]): (letter: PlannedLetter) => number {
  const rank = new Map<PlannedLetter, number>()
  for (const members of Map.groupBy(letters, ({ partition }) => partition).values())
    for (const [i, letter] of members.toSorted((a, b) => a.offset - b.offset).entries())
      rank.set(letter, i / members.length)
  return letter => rank.get(letter) ?? 0
}

function merge(queues: readonly Queue[]): PlannedLetter[] {
  const rankOf = ranks(queues.flatMap(queue => queue.letters))
  const ordered: PlannedLetter[] = []
  const total = queues.reduce((sum, queue) => sum + queue.letters.length, 0)
  while (ordered.length < total) {
    let best: Queue | undefined
    let bestRank = Number.POSITIVE_INFINITY
    for (const queue of queues) {
      const head = queue.letters[queue.next]
      if (head === undefined) continue
      const rank = rankOf(head)
      if (rank >= bestRank) continue
      best = queue
      bestRank = rank
    }
    if (best === undefined) break
    ordered.push(best.letters[best.next] as PlannedLetter)
    best.next += 1
  }
  return ordered
}

/** Where letters go. */
export class Targets {
  readonly #to: string | undefined
  readonly #counts: ReadonlyMap<string, number>

  constructor(to: string | undefined, counts: ReadonlyMap<string, number>) {
    this.#to = to
    this.#counts = counts
  }

  /** @throws CliError for a topic that does not exist */
  static async open(
    kafka: KafkaClient,
    to: string | undefined,
    letters: readonly PlannedLetter[],
  ): Promise<Targets> {
    const topics = new Set(letters.flatMap(({ source }) => to ?? source?.topic ?? []))
    const counts = new Map<string, number>()
    for (const topic of topics) counts.set(topic, await partitionCountOf(kafka, topic))
    return new Targets(to, counts)
  }

  get topics(): readonly string[] {
    return [...this.#counts.keys()]
  }

  /**
   * Back in its topic a record goes to the partition that it was in: the hash of its key leads there, and where its producer
   * hashed otherwise, the other records of the key are there. In another topic the key decides, by Java's murmur2.
   */
  placeOf(
    facts: LetterFacts,
    key: StoredRecord['key'],
  ): { readonly topic: string; readonly partition: number } {
    const topic = this.#to ?? facts.source?.topic ?? ''
    const count = this.#counts.get(topic) ?? 1
    const was = facts.source?.partition ?? 0
    if (topic === facts.source?.topic && was < count) return { topic, partition: was }
    return { topic, partition: key === null ? was % count : partitionForKey(key, 0, key.length, count) }
  }
}
