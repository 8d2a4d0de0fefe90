import type { BacklogFigures } from './real/backlog.ts'
import type { Outcome } from './scenario.ts'

/** The last line of a drill. */
export interface DrillResult {
  readonly scenarios: number
  readonly passed: number
  /** By name. */
  readonly failed: readonly string[]
  /** Of all scenarios: requests that made a span or an hour hold more than its limit, refused ones among them. */
  readonly requestsOverLimit: number
  /** Records whose objects are neither at Braze nor of a dead letter. */
  readonly lost: number
  /** Events that overtook an earlier one of their customer. */
  readonly userOrderViolations: number
  /** Objects per request of the backlog; null when it was not measured. */
  readonly meanBatchFill: number | null
  /** The backlog's requests in proportion to the limit, from its first request to its last; null likewise. */
  readonly limitUse: number | null
}

export function resultOf(outcomes: readonly Outcome[], backlog: BacklogFigures | undefined): DrillResult {
  const failed = outcomes.filter(({ problems }) => problems.length > 0).map(({ name }) => name)
  const sum = (of: (outcome: Outcome) => number): number =>
    outcomes.reduce((total, outcome) => total + of(outcome), 0)
  return {
    scenarios: outcomes.length,
    passed: outcomes.length - failed.length,
    failed,
    requestsOverLimit: sum(({ requestsOverLimit }) => requestsOverLimit),
    lost: sum(({ lost }) => lost),
    userOrderViolations: sum(({ userOrderViolations }) => userOrderViolations),
    meanBatchFill: backlog === undefined ? null : rounded(backlog.meanBatchFill, 2),
    limitUse: backlog === undefined ? null : rounded(backlog.limitUse, 4),
  }
}

export function outcomeText({ name, problems, seconds }: Outcome): string {
  const line = `${problems.length === 0 ? '✔' : '✖'} ${name} (${seconds.toFixed(1)} s)`
  return [line, ...problems.map(problem => `    ${problem.replaceAll('\n', '\n    ')}`)].join('\n')
}

export function backlogText(figures: BacklogFigures): string {
  const { objects, requests, seconds, meanBatchFill, limitUse, mostInWindow } = figures
  return [
    `  ${objects} objects in ${requests} requests of ${meanBatchFill.toFixed(2)} objects on average, within ${seconds.toFixed(2)} s:`,
    `  ${(limitUse * 100).toFixed(1)} % of the limit, and at most ${mostInWindow} requests in any three seconds.`,
    `  Processor time in milliseconds: ${JSON.stringify(figures.cpuMs)}`,
    `  ${JSON.stringify(figures.sink)}`,
  ].join('\n')
}

function rounded(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits
}
