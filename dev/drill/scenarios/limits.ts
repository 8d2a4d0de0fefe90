import { ok } from 'node:assert/strict'
import { customers, wishlisted } from '../in-process/events.ts'
import type { World } from '../in-process/world.ts'
import type { Group } from '../scenario.ts'

const requestTimes = async (world: World): Promise<readonly { at: number; status: number | null }[]> =>
  (await world.simulator.app.inject('/_simulator/arrivals/track')).json()

/** The requests after the first 429, in milliseconds after it. */
async function afterRefusal(world: World): Promise<readonly number[]> {
  const arrivals = await requestTimes(world)
  const refused = arrivals.find(({ status }) => status === 429)
  ok(refused !== undefined, 'nothing was refused')
  return arrivals.filter(({ at }) => at > refused.at).map(({ at }) => at - refused.at)
}

function put(world: World, users: number, n = 1): void {
  world.put(...customers(users).map(user => wishlisted(user, n)))
}

/** The limits of the contract, and what Braze says about them. */
export const limits: Group = {
  name: 'limits',
  scenarios: [
    {
      name: '429 with general headers: everything pauses once, until the epoch second that they name',
      async play(world) {
        await world.fault({ status: 429, retryAfterSeconds: 20, times: 1 })
        await world.start()
        put(world, 600)
        await world.finish()
        const after = await afterRefusal(world)
        // What was under way already may have been answered meanwhile; nothing new begins.
        ok(!after.some(ms => ms > 1_000 && ms < 19_000), `requests ${after.join()} ms after the refusal`)
        ok(Math.max(...after) >= 19_000)
        return undefined
      },
    },
    {
      name: '429 with the headers of MAU contracts: x-ratelimit-retry-after is obeyed',
      world: { simulator: { rateLimitHeaders: 'mau', hourlyRequests: 100_000 } },
      async play(world) {
        await world.fault({ status: 429, retryAfterSeconds: 20, times: 1 })
        await world.start()
        put(world, 600)
        await world.finish()
        const after = await afterRefusal(world)
        ok(!after.some(ms => ms > 1_000 && ms < 19_000), `requests ${after.join()} ms after the refusal`)
        return undefined
      },
    },
    {
      name: '429 without any header: it backs off, and longer each time',
      async play(world) {
        await world.fault({ status: 429, withoutHeaders: true, times: 4 })
        await world.start()
        put(world, 75)
        await world.finish()
        const times = (await requestTimes(world)).map(({ at }) => at)
        const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0))
        ok(gaps.length === 4, `${gaps.length} tries after the first`)
        ok(
          gaps.every((gap, index) => index === 0 || gap > (gaps[index - 1] ?? 0)),
          `gaps of ${gaps.join()} ms`,
        )
        return { answers: { 429: 4, 201: 1 } }
      },
    },
    {
      name: 'the burst limit is kept in every span, without leaning on 429s',
      world: { simulator: { burstRequests: 20 }, braze: { limits: { maxRequests: 20 } } },
      async play(world) {
        await world.start()
        // Sixty-six requests at twenty per three seconds.
        put(world, 1_000)
        put(world, 1_000, 2)
        put(world, 1_000, 3)
        put(world, 1_000, 4)
        put(world, 950, 5)
        await world.finish()
        const { arrivals, requests } = await world.state()
        ok(arrivals.track.mostInWindow <= 20, `${arrivals.track.mostInWindow} requests in three seconds`)
        ok(requests.byStatus['429'] === undefined)
        return undefined
      },
    },
    {
      name: 'the hour’s budget runs out: it waits for the next hour of the clock, and spends no more of either',
      world: {
        simulator: { hourlyRequests: 30, rateLimitHeaders: 'mau' },
        braze: { limits: { maxRequestsPerHour: 30 } },
        startMs: Date.parse('2026-06-01T11:57:00Z'),
      },
      async play(world) {
        await world.start()
        for (let n = 1; n <= 4; n++) put(world, 750, n)
        await world.finish()
        const { arrivals, requests } = await world.state()
        ok(arrivals.track.mostInHour <= 30, `${arrivals.track.mostInHour} requests in an hour`)
        ok(arrivals.track.total >= 40)
        ok(requests.byStatus['429'] === undefined)
        return undefined
      },
    },
    {
      name: 'little of the hour remains, as another sender has used it: it slows down ahead of the end',
      world: {
        simulator: { hourlyRequests: 400 },
        // The contract allows more than the simulator has left: only the headers tell.
        braze: { limits: { maxRequestsPerHour: 400 } },
        startMs: Date.parse('2026-06-01T11:59:00Z'),
      },
      async play(world) {
        const key = { authorization: 'Bearer drill-key', 'content-type': 'application/json' }
        for (let sent = 0; sent < 365; sent++) {
          await world.simulator.app.inject({
            method: 'POST',
            url: '/users/track',
            headers: key,
            payload: '[',
          })
        }
        await world.start()
        put(world, 750)
        put(world, 750, 2)
        await world.finish()
        const times = (await requestTimes(world)).slice(365).map(({ at }) => at)
        const spanMs = (times.at(-1) ?? 0) - (times[0] ?? 0)
        ok(times.length >= 20 && spanMs >= 10_000, `${times.length} requests within ${spanMs} ms`)
        ok((await world.state()).requests.byStatus['429'] === undefined)
        return undefined
      },
    },
  ],
}
