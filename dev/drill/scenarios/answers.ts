import { booked, customers, wishlisted } from '../in-process/events.ts'
import { pictureOf, type Input } from '../in-process/picture.ts'
import type { World } from '../in-process/world.ts'
import type { Group } from '../scenario.ts'

/** Seventy-five objects of as many customers: one request. */
function fill(world: World): void {
  world.put(...customers(75).map(user => wishlisted(user, 1)))
}

const of = (input: Input | undefined): string => `${input?.partition}@${input?.offset}`
const recordOf = (world: World, user: string): string => of(world.inputs.find(input => input.user === user))

/** What each status of Braze's table comes to, with 75 objects in one request. */
export const answers: Group = {
  name: 'answers',
  scenarios: [
    {
      name: '201: everything arrives once, and the offsets are committed',
      async play(world) {
        world.put(...customers(20).flatMap(user => [wishlisted(user, 1), booked(user, 2)]))
        await world.start()
        await world.finish()
        // Attributes that come behind an event of the same user must not be seen by it: they take the next request.
        return { answers: { 201: 2 } }
      },
    },
    {
      name: '201 with errors in prose: exactly the named object is a dead letter',
      async play(world) {
        fill(world)
        await world.fault({ rejectExternalId: 'c-7', type: 'The value provided is not valid.' })
        await world.start()
        await world.finish()
        return {
          picture: pictureOf(world.inputs, { without: (_, { user }) => user === 'c-7' }),
          letters: [{ of: recordOf(world, 'c-7'), says: /events.*The value provided is not valid/ }],
          answers: { 201: 1 },
        }
      },
    },
    {
      name: '201 with errors as codes: the code is in the dead letter',
      world: { simulator: { errorTypes: 'code' } },
      async play(world) {
        fill(world)
        await world.fault({ rejectExternalId: 'c-7' })
        await world.fault({ rejectExternalId: 'c-70' })
        await world.start()
        await world.finish()
        const blocked = ['c-7', 'c-70']
        return {
          picture: pictureOf(world.inputs, { without: (_, { user }) => blocked.includes(user) }),
          letters: blocked.map(user => ({ of: recordOf(world, user), says: /BLACKLISTED_EXTERNAL_USER_ID/ })),
          answers: { 201: 1 },
        }
      },
    },
    {
      name: '201 with an error that has no place: everything else is delivered, and nothing is sent again',
      async play(world) {
        fill(world)
        await world.fault({ rejectExternalId: 'c-7', unlocated: true, times: 1 })
        const replica = await world.start()
        // Braze did not take this one in, and does not say so: it counts as delivered, with a warning and a count.
        await world.until('everything is committed', () => world.isCommitted)
        const problems = replica.stats.unlocatedErrors === 1 ? [] : [replica.stats]
        if (problems.length > 0) throw new Error(`counted: ${JSON.stringify(problems)}`)
        world.forget('c-7')
        return { answers: { 201: 1 } }
      },
    },
    {
      name: '400 with errors: the named object is a dead letter, and the others are sent again',
      async play(world) {
        fill(world)
        await world.fault({ rejectExternalId: 'c-7', whole: true, times: 1 })
        await world.start()
        await world.finish()
        return {
          picture: pictureOf(world.inputs, { without: (_, { user }) => user === 'c-7' }),
          letters: [{ of: recordOf(world, 'c-7'), says: /blacklisted/ }],
          answers: { 400: 1, 201: 1 },
        }
      },
    },
    {
      name: '400 without errors: one poison object among 75 is found by halving',
      async play(world) {
        fill(world)
        await world.fault({ status: 400, externalIds: ['c-41'] })
        await world.start()
        await world.finish()
        return {
          picture: pictureOf(world.inputs, { without: (_, { user }) => user === 'c-41' }),
          letters: [{ of: recordOf(world, 'c-41'), says: /400/ }],
          // 75, 38|37, 19|19, 10|9, 5|5, 3|2, 2|1, 1|1: one of each pair is good.
          answers: await halvings(world, 7),
        }
      },
    },
    {
      name: '400 Max Input Length Exceeded: halved, and nothing is a dead letter',
      world: { simulator: { maxObjects: 40 } },
      async play(world) {
        fill(world)
        await world.start()
        await world.finish()
        return { answers: { 400: 1, 201: 2 } }
      },
    },
    {
      name: '413: halved, and nothing is a dead letter',
      world: { simulator: { maxBodyBytes: 20_000 } },
      async play(world) {
        fill(world)
        await world.start()
        await world.finish()
        return { answers: { 413: 1, 201: 2 } }
      },
    },
    {
      name: '202 in maintenance: taken in, and not sent again',
      async play(world) {
        fill(world)
        await world.fault({ queued: true, times: 1 })
        await world.start()
        await world.finish()
        return { answers: { 202: 1 } }
      },
    },
  ],
}

async function halvings(world: World, levels: number): Promise<Record<string, number>> {
  const { byStatus } = (await world.state()).requests
  const refused = byStatus['400'] ?? 0
  // Not more than one refusal for each level; the rest of each level is taken in.
  if (refused > levels + 1) throw new Error(`${refused} requests were refused to find one object`)
  return { 400: refused, 201: refused - 1 }
}
