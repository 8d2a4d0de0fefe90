import { ok } from 'node:assert/strict'
import { customers, wishlisted } from '../in-process/events.ts'
import { API_KEY } from '../in-process/world.ts'
import type { Group, Scenario } from '../scenario.ts'

/** Nothing works until somebody mends it, and then everything does. */
function shutOut(status: number, says: RegExp): Scenario {
  return {
    name: `${status}: unready and nothing dead-lettered until it is mended, then everything`,
    async play(world) {
      const replica = await world.start()
      await world.fault({ status })
      world.put(...customers(75).map(user => wishlisted(user, 1)))
      await world.until('it says that it is shut out', () => !replica.readiness().isReady)
      ok(
        replica.readiness().reasons.some(reason => says.test(reason)),
        String(replica.readiness().reasons),
      )
      const before = (await world.state()).requests.total
      await world.pass(600_000)
      const tries = (await world.state()).requests.total - before
      // Once a minute, not with every batch.
      ok(tries >= 5 && tries <= 25, `${tries} tries in ten minutes`)
      ok(world.committed.every(offset => offset === 0))
      ok(world.letters().length === 0)
      await world.clearFaults()
      await world.finish()
      ok(replica.readiness().isReady, String(replica.readiness().reasons))
      return undefined
    },
  }
}

/** Statuses that say nothing about the objects: the sink stops, and goes on by itself. */
export const shutOuts: Group = {
  name: 'shut out',
  scenarios: [
    {
      name: '401: a key that Braze no longer knows is swapped live, without a restart',
      async play(world) {
        let key = API_KEY
        const replica = await world.start({ apiKey: () => key })
        world.put(...customers(75).map(user => wishlisted(user, 1)))
        await world.finish()
        await world.options({ apiKey: 'another-key' })
        world.put(...customers(75).map(user => wishlisted(user, 2)))
        await world.until('it says that it is shut out', () => !replica.readiness().isReady)
        const { reasons } = replica.readiness()
        ok(
          reasons.some(reason => /key/i.test(reason)),
          String(reasons),
        )
        ok(!JSON.stringify(reasons).includes(API_KEY), 'the key is not shown')
        await world.pass(300_000)
        ok(world.letters().length === 0)
        key = 'another-key'
        await world.finish()
        ok(replica.readiness().isReady, String(replica.readiness().reasons))
        const { 401: refused = 0, 201: taken } = (await world.state()).requests.byStatus
        ok(refused >= 2 && refused <= 15, `${refused} requests with the old key`)
        ok(taken === 2)
        return undefined
      },
    },
    shutOut(403, /denies|access/i),
    shutOut(404, /URL|exist/i),
    shutOut(415, /JSON|type/i),
  ],
}
