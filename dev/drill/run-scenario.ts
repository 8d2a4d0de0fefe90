import { AssertionError, deepStrictEqual } from 'node:assert'
import { lost, orderViolations, pictureOf } from './in-process/picture.ts'
import { World } from './in-process/world.ts'
import type { Expectation, Outcome, Scenario } from './scenario.ts'

/** Plays a scenario in this process and compares what has come of it. */
export async function runScenario(scenario: Scenario, seed = 1): Promise<Outcome> {
  const startedAt = performance.now()
  const problems: string[] = []
  const counts = { requests: 0, requestsOverLimit: 0, lost: 0, userOrderViolations: 0 }
  const world = await World.open({ seed, ...scenario.world })
  try {
    const expected = (await scenario.play(world)) ?? {}
    await world.quiet()
    problems.push(...(await compare(world, expected)))
    const { arrivals } = await world.state()
    counts.requests = arrivals.track.total
    counts.requestsOverLimit = arrivals.track.overLimit + arrivals.delete.overLimit
    counts.lost = lost(world.picture(), world.inputs, world.letters())
    if (scenario.isReordered !== true) {
      counts.userOrderViolations = orderViolations(world.picture(), world.inputs)
    }
    for (const [name, count] of Object.entries(counts)) {
      if (name !== 'requests' && count > 0) problems.push(`${name} is ${count}`)
    }
  } catch (error) {
    problems.push(messageOf(error))
  }
  try {
    await world.close()
  } catch (error) {
    problems.push(`when it was closed: ${messageOf(error)}`)
  }
  const seconds = Math.round((performance.now() - startedAt) / 10) / 100
  return { name: scenario.name, problems, ...counts, seconds }
}

async function compare(world: World, expected: Expectation): Promise<string[]> {
  const problems: string[] = []
  const check = (what: string, actual: unknown, wanted: unknown): void => {
    try {
      deepStrictEqual(actual, wanted)
    } catch (error) {
      problems.push(`${what}: ${messageOf(error)}`)
    }
  }
  check('at Braze', world.picture(), expected.picture ?? pictureOf(world.inputs))
  check('committed', world.committed, expected.committed ?? world.ends)
  const byPlace = (a: { readonly of: string }, b: { readonly of: string }): number => a.of.localeCompare(b.of)
  const letters = world.letters().toSorted(byPlace)
  const wanted = [...(expected.letters ?? [])].toSorted(byPlace)
  check(
    'dead letters',
    letters.map(({ of }) => of),
    wanted.map(({ of }) => of),
  )
  for (const [at, { of, says }] of letters.entries()) {
    const pattern = wanted[at]?.says
    if (pattern !== undefined && !pattern.test(says)) {
      problems.push(`the dead letter of ${of} says '${says}', and not ${pattern.source}`)
    }
  }
  if (expected.answers !== undefined) {
    check('answers', (await world.state()).requests.byStatus, expected.answers)
  }
  const { overlaps } = await world.state()
  if (overlaps.count > 0) {
    problems.push(
      `${overlaps.count} times two requests of one user were under way: ${JSON.stringify(overlaps.examples[0])}`,
    )
  }
  return problems
}

function messageOf(error: unknown): string {
  if (error instanceof AssertionError) return error.message.split('\n').slice(0, 40).join('\n')
  return error instanceof Error
    ? (error.stack ?? error.message).split('\n').slice(0, 6).join('\n')
    : String(error)
}
