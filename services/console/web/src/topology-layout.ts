import type { StepView } from '../../src/snapshot.ts'

export const NODE = { width: 150, height: 52, gapX: 46, gapY: 14 } as const

export interface PlacedStep {
  readonly step: StepView
  readonly x: number
  readonly y: number
}

export interface Layout {
  readonly nodes: readonly PlacedStep[]
  readonly width: number
  readonly height: number
}

/**
 * Columns by how far a step is from its source, rows by branch: a branch stays on one line, and whoever splits stands in the
 * middle of what comes of it. Depends on the steps' names and inputs alone, so nothing moves while the figures do.
 */
export function layoutOf(steps: readonly StepView[]): Layout {
  const columns = columnsOf(steps)
  const rows = rowsOf(steps)
  const nodes = steps.map(step => ({
    step,
    x: (columns.get(step.name) ?? 0) * (NODE.width + NODE.gapX),
    y: (rows.get(step.name) ?? 0) * (NODE.height + NODE.gapY),
  }))
  return {
    nodes,
    width: Math.max(0, ...nodes.map(({ x }) => x)) + NODE.width,
    height: Math.max(0, ...nodes.map(({ y }) => y)) + NODE.height,
  }
}

/** Inputs stand before their users in the list. */
function columnsOf(steps: readonly StepView[]): ReadonlyMap<string, number> {
  const columns = new Map<string, number>()
  for (const { name, inputs } of steps)
    columns.set(name, Math.max(-1, ...inputs.map(input => columns.get(input) ?? -1)) + 1)
  return columns
}

function rowsOf(steps: readonly StepView[]): ReadonlyMap<string, number> {
  const rows = new Map<string, number>()
  let next = 0
  const place = (name: string): number => {
    const known = rows.get(name)
    if (known !== undefined) return known
    const users = steps.filter(step => step.inputs[0] === name)
    const placed = users.map(user => place(user.name))
    const row = placed.length === 0 ? next : (Math.min(...placed) + Math.max(...placed)) / 2
    if (placed.length === 0) next += 1
    rows.set(name, row)
    return row
  }
  for (const { name, inputs } of steps) if (inputs.length === 0) place(name)
  for (const { name } of steps) place(name)
  return rows
}

/** What a step's name adds to the one before it: steps without a name of their own are called after their input. */
export function shortName({ name, inputs }: StepView): string {
  const [input] = inputs
  return input !== undefined && name.startsWith(`${input}.`)
    ? name.slice(input.length + 1)
    : name
        .split('.')
        .slice(input === undefined ? 0 : -1)
        .join('.') || name
}
