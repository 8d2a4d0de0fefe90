/** `3 records`, `1 record`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}

/** As short as it can be said: `8 s`, `4 min`, `3.5 h`, `2 days`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 90_000) return `${Math.round(ms / 1_000)} s`
  if (ms < 5_400_000) return `${Math.round(ms / 60_000)} min`
  if (ms < 129_600_000) return `${Math.round(ms / 360_000) / 10} h`
  return `${Math.round(ms / 86_400_000)} days`
}

/** As many nines as there are; where nines are no matter, one decimal. */
export function percent(ratio: number): string {
  const digits = ratio < 0.99 ? 10 : 10_000
  return `${(Math.floor(ratio * 100 * digits + 1e-6) / digits).toString()} %`
}

/** The first few by name, the others by number: `0, 3, 4 and 2 more`. */
export function some(names: readonly (string | number)[], shown = 6): string {
  if (names.length <= shown) return names.join(', ')
  return `${names.slice(0, shown).join(', ')} and ${names.length - shown} more`
}
