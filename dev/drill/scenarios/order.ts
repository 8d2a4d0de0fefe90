import { ok } from 'node:assert/strict'
import { brazeAttributes, brazeEvent } from '@tributary/sink-braze'
import { booked, customers, wishlisted } from '../in-process/events.ts'
import type { World } from '../in-process/world.ts'
import type { Group } from '../scenario.ts'

const TIME = '2026-06-01T10:00:00.000Z'
const USERS = 300
const ROUNDS = 8

/** Histories of many customers, interleaved. */
function put(world: World): void {
  for (let n = 1; n <= ROUNDS; n++) {
    world.put(
      ...customers(USERS).map(user => (n % 3 === 0 ? booked(user, n, `city-${n}`) : wishlisted(user, n))),
    )
  }
}

/** One customer's events reach Braze in their order, whatever happens on the way. */
export const order: Group = {
  name: 'order',
  scenarios: [
    {
      name: 'failures of every kind between the requests do not let a later event overtake',
      async play(world) {
        await world.start()
        await world.fault({ status: 503, times: 3 })
        put(world)
        await world.pass(500)
        await world.fault({ reset: true, times: 2 })
        await world.fault({ status: 429, retryAfterSeconds: 2, times: 1 })
        await world.pass(1_500)
        await world.fault({ delayMs: 3_000, times: 3 })
        await world.fault({ broken: 'html', times: 1 })
        await world.fault({ status: 500, times: 5 })
        await world.finish()
        return undefined
      },
    },
    {
      name: 'requests that hold some customers fail for minutes: most of the others go on, and everyone keeps the order',
      async play(world) {
        await world.start()
        await world.fault({ status: 503, externalIds: ['c-1', 'c-50'] })
        put(world)
        await world.pass(120_000)
        // Whoever shares a request with one of the two waits with them.
        const served = customers(USERS).filter(user => world.simulator.state.user(user) !== undefined).length
        ok(served >= USERS / 2, `only ${served} of ${USERS} customers were served meanwhile`)
        await world.clearFaults()
        await world.finish()
        return undefined
      },
    },
    {
      name: 'Braze applies separate requests in another order: with a gap between a user’s requests it cannot matter',
      world: {
        simulator: { reorderMs: 100 },
        // A user rests for longer than Braze takes to apply what it took in.
        braze: { userGapMs: 150 },
      },
      async play(world) {
        await world.start()
        put(world)
        await world.finish()
        await world.pass(200)
        return undefined
      },
    },
    {
      name: 'Braze applies separate requests in another order: without a gap everything still arrives once',
      isReordered: true,
      world: { simulator: { reorderMs: 2_000 } },
      async play(world) {
        await world.start()
        // One event of each, so that there is no order to lose.
        world.put(...customers(400).map(user => wishlisted(user, 1)))
        await world.finish()
        return undefined
      },
    },
    {
      name: 'an event goes ahead of a backlog of profile updates',
      world: {
        input: 'objects',
        simulator: { burstRequests: 10 },
        braze: { limits: { maxRequests: 10 } },
        maxInFlight: 2,
      },
      async play(world) {
        await world.start()
        for (const [n, user] of customers(3_000).entries()) {
          world.putObjects(user, brazeAttributes({ external_id: user, n }))
        }
        await world.until('Braze has some of them', () => world.simulator.state.requests().length >= 5)
        const before = world.simulator.state.requests().length
        world.putObjects('urgent', brazeEvent({ external_id: 'urgent', name: 'booked', time: TIME }))
        await world.finish()
        const { total } = (await world.state()).requests
        const request = world.simulator.state.events()[0]?.request ?? total
        // Not at once only because what is behind it in its partition has to be read first: eight batches for each in flight.
        ok(request - before <= (total - before) / 2, `request ${request} of ${before} to ${total}`)
        return undefined
      },
    },
  ],
}
