import { ok } from 'node:assert/strict'
import { booked, customers, wishlisted } from '../in-process/events.ts'
import type { World } from '../in-process/world.ts'
import type { Group } from '../scenario.ts'

const LIMIT = 30

function put(world: World, n: number, users = 900): void {
  world.put(
    ...customers(users).map(user => (n % 4 === 0 ? booked(user, n, `city-${n}`) : wishlisted(user, n))),
  )
}

async function keptTheLimit(world: World): Promise<void> {
  const { arrivals, requests } = await world.state()
  ok(arrivals.track.mostInWindow <= LIMIT, `${arrivals.track.mostInWindow} requests in three seconds`)
  ok(requests.byStatus['429'] === undefined, JSON.stringify(requests.byStatus))
}

/** Several processes share the work and the limit by their partitions. */
export const replicas: Group = {
  name: 'replicas',
  scenarios: [
    {
      name: 'three processes share the limit, while they come and go',
      world: { simulator: { burstRequests: LIMIT }, braze: { limits: { maxRequests: LIMIT } } },
      async play(world) {
        await world.start()
        for (let n = 1; n <= 4; n++) put(world, n)
        await world.pass(20_000)
        await world.start()
        await world.pass(20_000)
        const third = await world.start()
        for (let n = 5; n <= 10; n++) put(world, n)
        await world.pass(20_000)
        await third.stop()
        await world.pass(5_000)
        await world.start()
        await world.finish()
        await keptTheLimit(world)
        return undefined
      },
    },
    {
      name: 'three processes that start together share the limit from the first request on',
      world: { simulator: { burstRequests: LIMIT }, braze: { limits: { maxRequests: LIMIT } } },
      async play(world) {
        for (let n = 1; n <= 4; n++) put(world, n)
        await world.start()
        await world.start()
        await world.start()
        await world.finish()
        await keptTheLimit(world)
        return undefined
      },
    },
    {
      name: 'three processes share an hour’s budget, across a rebalance',
      world: {
        simulator: { hourlyRequests: 60 },
        braze: { limits: { maxRequestsPerHour: 60 } },
        startMs: Date.parse('2026-06-01T11:55:00Z'),
      },
      async play(world) {
        await world.start()
        await world.start()
        for (let n = 1; n <= 5; n++) put(world, n)
        await world.pass(20_000)
        await world.start()
        await world.finish()
        const { arrivals, requests } = await world.state()
        ok(arrivals.track.mostInHour <= 60, `${arrivals.track.mostInHour} requests in an hour`)
        ok(requests.byStatus['429'] === undefined, JSON.stringify(requests.byStatus))
        return undefined
      },
    },
    {
      name: 'a process that leaves while Braze is away takes nothing with it',
      async play(world) {
        const first = await world.start()
        await world.start()
        await world.fault({ status: 503 })
        put(world, 1)
        put(world, 4)
        await world.pass(60_000)
        await first.stop()
        await world.pass(60_000)
        ok(world.committed.every(offset => offset === 0))
        await world.clearFaults()
        await world.finish()
        return undefined
      },
    },
  ],
}
