/** A large prime: lookups go all over the table, in the same order for every contestant. */
const STRIDE = 15_485_863

/** The row that lookup number `count` asks for. */
export function lookupIndex(count: number, rows: number): number {
  return (count * STRIDE) % rows
}
