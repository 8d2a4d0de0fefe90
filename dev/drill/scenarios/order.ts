import { ok } from 'node:assert/strict'
import { booked, customers, wishlisted } from '../in-process/events.ts'
import type { World } from '../in-process/world.ts'
import type { Group } from '../scenario.ts'

const USERS = 120
const ROUNDS = 8

/** Histories of many customers, interleaved. */
function put(world: World): void {
  for (let n = 1; n <= ROUNDS; n++) {
    world.put(...customers(USERS).map(user => (n % 3 === 0 ? booked(user, n, `city-${n}`) : wishlisted(user, n))))
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
      name: 'some customers’ requests fail for minutes: the others go on, and each customer keeps the order',
      async play(world) {
        await world.start()
        await world.fault({ status: 503, externalIds: ['c-1', 'c-50'] })
        put(world)
        await world.pass(120_000)
        ok((world.simulator.state.user('c-2')?.events.length ?? 0) > 0, 'the others have waited')
        await world.clearFaults()
        await world.finish()
        return undefined
      },
    },
    {
      name: 'Braze applies separate requests in another order: with a gap between a user’s requests it cannot matter',
      world: {
        simulator: { reorderMs: 100 },
        // Each batch stays under way for as long as Braze takes to apply it.
        braze: { userGapMs: 150 },
        maxInFlight: 16,
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
      name: 'urgent events go ahead of a backlog of others, and no customer’s events change places',
      world: { simulator: { burstRequests: 10 }, braze: { limits: { maxRequests: 10 } }, maxInFlight: 2 },
      async play(world) {
        await world.start()
        world.put(...customers(1_500).map(user => wishlisted(user, 1)))
        await world.pass(4_000)
        world.put(booked('urgent', 1))
        await world.finish()
        const places = world.simulator.state.events().map(event => event['external_id'])
        const place = places.indexOf('urgent')
        // Twenty requests were needed for the others; it did not wait for them.
        ok(place < 1_350, `${place} of ${places.length} events came before it`)
        return undefined
      },
    },
  ],
}
