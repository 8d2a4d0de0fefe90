/** The first column to the left, the others to the right. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    line(header),
    line(header.map((_, column) => (column === 0 ? '---' : '--:'))),
    ...rows.map(line),
  ].join('\n')
}

export function code(text: string): string {
  return `\`${text}\``
}

/** 1,234,567. */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en')
}
