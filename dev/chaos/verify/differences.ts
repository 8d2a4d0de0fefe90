export type DifferenceKind = 'lost' | 'duplicates' | 'overtaken' | 'wrong' | 'late'

const NAMED_PER_KIND = 5

/** Counts all and keeps the first of each kind, one sentence each. */
export class Differences {
  readonly counts: Record<DifferenceKind, number> = {
    lost: 0,
    duplicates: 0,
    overtaken: 0,
    wrong: 0,
    late: 0,
  }
  readonly sentences: string[] = []

  add(kind: DifferenceKind, sentence: string): void {
    this.counts[kind] += 1
    if (this.counts[kind] <= NAMED_PER_KIND) this.sentences.push(`${kind}: ${sentence}`)
  }
}
