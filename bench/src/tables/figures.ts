/** The lines that begin with `figure`, by name. */
export function readFigures(log: string): Readonly<Record<string, number>> {
  const lines = log.split('\n').map(line => line.split(' '))
  return Object.fromEntries(
    lines.filter(([word]) => word === 'figure').map(([, name, value]) => [name!, Number(value)]),
  )
}
