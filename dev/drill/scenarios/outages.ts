import { ok } from 'node:assert/strict'
import { booked, customers, wishlisted } from '../in-process/events.ts'
import { pictureOf } from '../in-process/picture.ts'
import type { World } from '../in-process/world.ts'
import type { Group, Scenario } from '../scenario.ts'

function fill(world: World): void {
  world.put(...customers(75).map(user => wishlisted(user, 1)))
}

function unavailable(status: number): Scenario {
  return {
    name: `${status}: retried with backoff until it is over`,
    async play(world) {
      fill(world)
      await world.fault({ status, times: 6 })
      await world.start()
      await world.finish()
      return { answers: { [status]: 6, 201: 1 } }
    },
  }
}

/** Braze, or the way to it, is away. */
export const outages: Group = {
  name: 'outages',
  scenarios: [
    unavailable(500),
    unavailable(502),
    unavailable(503),
    unavailable(504),
    {
      name: '504 after the objects were taken in: they are sent again, once',
      async play(world) {
        fill(world)
        await world.fault({ status: 504, applied: true, times: 1 })
        await world.start()
        await world.finish()
        return { picture: pictureOf(world.inputs, { times: 2 }), answers: { 504: 1, 201: 1 } }
      },
    },
    {
      name: 'no answer in time: the request is given up and sent again',
      world: { braze: { requestTimeoutMs: 10_000 } },
      async play(world) {
        fill(world)
        // Braze takes it in when its time has come, although nobody waits any more.
        await world.fault({ delayMs: 11_000, times: 1 })
        await world.start()
        await world.finish()
        await world.pass(2_000)
        return { picture: pictureOf(world.inputs, { times: 2 }), answers: { aborted: 1, 201: 1 } }
      },
    },
    {
      name: 'the connection is reset before the objects are taken in',
      async play(world) {
        fill(world)
        await world.fault({ reset: true, times: 3 })
        await world.start()
        await world.finish()
        return { answers: { reset: 3, 201: 1 } }
      },
    },
    {
      name: 'the connection is reset after the objects were taken in: they are there twice, and none is lost',
      async play(world) {
        fill(world)
        await world.fault({ reset: true, applied: true, times: 1 })
        await world.start()
        await world.finish()
        return { picture: pictureOf(world.inputs, { times: 2 }), answers: { reset: 1, 201: 1 } }
      },
    },
    {
      name: 'ten minutes of outage: nothing is committed meanwhile, few tries, and then everything in order',
      async play(world) {
        await world.start()
        await world.fault({ status: 503 })
        const users = customers(300)
        world.put(...users.flatMap(user => [wishlisted(user, 1), booked(user, 2)]))
        await world.pass(300_000)
        world.put(...users.flatMap(user => [wishlisted(user, 3), booked(user, 4, 'Rome')]))
        await world.pass(300_000)
        ok(
          world.committed.every(offset => offset === 0),
          `committed ${world.committed.join()}`,
        )
        ok(world.letters().length === 0)
        const { total } = (await world.state()).requests
        ok(total < 200, `${total} requests in ten minutes of outage`)
        await world.clearFaults()
        await world.finish()
        return undefined
      },
    },
    {
      name: 'a slow API: answers that trickle are waited for, and the users under way stay alone',
      async play(world) {
        await world.fault({ trickleMs: 4_000 })
        await world.start()
        world.put(...customers(200).flatMap(user => [wishlisted(user, 1), booked(user, 2)]))
        await world.finish()
        const { byStatus } = (await world.state()).requests
        ok(Object.keys(byStatus).join() === '201', JSON.stringify(byStatus))
        return undefined
      },
    },
    {
      name: 'an answer that trickles for longer than the time limit is given up',
      world: { braze: { requestTimeoutMs: 2_000 } },
      async play(world) {
        fill(world)
        await world.fault({ trickleMs: 2_500, times: 1 })
        await world.start()
        await world.finish()
        return { picture: pictureOf(world.inputs, { times: 2 }), answers: { 201: 2 } }
      },
    },
  ],
}
