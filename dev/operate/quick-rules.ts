/**
 * The rules for somebody who cannot wait: minutes are read as seconds, hours as minutes, days as 24 minutes, and bounds
 * in seconds as sixtieths. Everything else is as it is.
 */
export function quickRules(rules: string): string {
  return rules
    .replaceAll(/\b(\d+)([mhd])\b/g, (_, count: string, unit: string) =>
      unit === 'd' ? `${Number(count) * 24}m` : `${count}${unit === 'h' ? 'm' : 's'}`,
    )
    .replaceAll(
      /(tributary_source_(?:lag|commit_age)_seconds(?:\{[^}]*\})?\)?) > (\d+)/g,
      (_, metric: string, seconds: string) => `${metric} > ${Number(seconds) / 60}`,
    )
}
