import type { BrokenKind } from '@tributary/braze-simulator'
import { customers, wishlisted } from '../in-process/events.ts'
import { pictureOf } from '../in-process/picture.ts'
import type { Group, Scenario } from '../scenario.ts'

function broken(kind: BrokenKind, times: number, answers: Readonly<Record<string, number>>): Scenario {
  return {
    name: `a broken answer (${kind}): ${times === 1 ? 'each object once' : 'sent again, because nobody can know'}`,
    async play(world) {
      world.put(...customers(75).map(user => wishlisted(user, 1)))
      await world.fault({ broken: kind, times: 1 })
      await world.start()
      await world.finish()
      return { picture: pictureOf(world.inputs, { times }), answers }
    },
  }
}

/** Answers that are not Braze's, or not whole. A page with status 200 must not pass for success. */
export const brokenAnswers: Group = {
  name: 'broken answers',
  scenarios: [
    broken('html', 1, { 200: 1, 201: 1 }),
    broken('truncated', 2, { 201: 2 }),
    broken('empty', 2, { 201: 2 }),
    broken('cut', 2, { reset: 1, 201: 1 }),
    // What counts is the JSON, not how it is called.
    broken('content-type', 1, { 201: 1 }),
  ],
}
