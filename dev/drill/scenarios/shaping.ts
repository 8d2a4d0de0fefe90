import { ok } from 'node:assert/strict'
import {
  brazeAttributes,
  brazeEvent,
  brazePurchase,
  type BrazeObject,
  type BrazeTrackObject,
} from '@tributary/sink-braze'
import { accountCreated, booked, customers, wishlisted } from '../in-process/events.ts'
import { pictureOf } from '../in-process/picture.ts'
import type { Replica, World } from '../in-process/world.ts'
import type { Group } from '../scenario.ts'

const TIME = '2026-06-01T10:00:00.000Z'

const attributes = (user: string, fields: object): BrazeTrackObject =>
  brazeAttributes({ external_id: user, ...fields })
const event = (user: string, id: string, properties: object = {}): BrazeTrackObject =>
  brazeEvent({ external_id: user, name: 'e', time: TIME, properties: { event_id: id, ...properties } })
const purchase = (user: string, id: string): BrazeTrackObject =>
  brazePurchase({
    external_id: user,
    product_id: 'p',
    currency: 'EUR',
    price: 9.5,
    time: TIME,
    properties: { event_id: id },
  })

const places = (world: World, user: string): string[] =>
  world.inputs.filter(input => input.user === user).map(({ partition, offset }) => `${partition}@${offset}`)

/** Requests and objects that Braze has seen. */
async function seen(world: World): Promise<{ readonly requests: number; readonly attributes: number }> {
  const { requests, objects } = await world.state()
  return { requests: requests.total, attributes: objects.accepted.attributes }
}

const shapingOf = (replica: Replica): Replica['stats']['shaping'] => replica.stats.shaping

/** What is done to objects before they are sent: folded, left out, mended. */
export const shaping: Group = {
  name: 'shaping',
  scenarios: [
    {
      name: 'several updates of one user are one object, and come to the same as one after the other',
      world: { input: 'objects' },
      async play(world) {
        world.putObjects('u', attributes('u', { city: 'Paris', visits: 1, tags: ['a'], gone: 'x' }))
        world.putObjects('u', attributes('u', { city: 'Rome', visits: { inc: 2 } }))
        world.putObjects('u', attributes('u', { visits: { inc: 3 }, gone: null, points: { inc: 5 } }))
        world.putObjects('u', attributes('u', { points: { inc: 4 }, tags: { add: ['b'] } }))
        world.putObjects('v', attributes('v', { city: 'Oslo' }))
        await world.start()
        await world.finish()
        ok((await seen(world)).attributes === 2, 'one object for each of the users')
        return { answers: { 201: 1 } }
      },
    },
    {
      name: 'a folded object that Braze refuses: each of its records is a dead letter, and names all of them',
      world: { input: 'objects' },
      async play(world) {
        for (const n of [1, 2, 3]) world.putObjects('bad', attributes('bad', { n }))
        world.putObjects('good', attributes('good', { n: 1 }))
        await world.fault({ rejectExternalId: 'bad' })
        await world.start()
        await world.finish()
        const of = places(world, 'bad')
        const named = of.map(place => `braze-objects-${place}`).join(', ')
        return {
          picture: pictureOf(world.inputs, { without: (_, { user }) => user === 'bad' }),
          letters: of.map(place => ({ of: place, says: new RegExp(`folded from 3 records: ${named}`) })),
          answers: { 201: 1 },
        }
      },
    },
    {
      name: 'with remembered events: what was delivered behind an unfinished record is not sent again',
      world: { partitions: 1, braze: { rememberedEvents: 20 } },
      async play(world) {
        await world.fault({ status: 503, externalIds: ['held'] })
        const before = await world.start()
        world.put(wishlisted('held', 1))
        await world.until(
          'the first record is held up',
          async () => ((await world.state()).requests.byStatus['503'] ?? 0) > 0,
        )
        world.put(...customers(10).map(user => wishlisted(user, 1)))
        await world.until('those behind it are delivered', () => before.stats.accepted === 10)
        await before.stop()
        ok(world.committed[0] === 0, 'no offset behind it is committed')
        await world.clearFaults()
        const after = await world.start()
        await world.finish()
        ok(shapingOf(after).repeatedEvents === 10, 'all of them are read again, and none is sent')
        return undefined
      },
    },
    {
      name: 'attributes, events and purchases share requests, and none is half empty',
      world: { input: 'objects' },
      async play(world) {
        for (const [n, user] of customers(300).entries()) {
          world.putObjects(
            user,
            attributes(user, { n }),
            event(user, `${user}-1`),
            purchase(user, `${user}-2`),
          )
        }
        await world.start()
        await world.finish()
        const { meanFill } = await world.state()
        ok(meanFill === 75, `${meanFill} objects in a request`)
        return { answers: { 201: 12 } }
      },
    },
    {
      name: 'attributes that Braze has already are not sent, and their requests are saved',
      async play(world) {
        const replica = await world.start()
        const users = customers(75)
        world.put(...users.map(user => accountCreated(user, 1)))
        await world.finish()
        const before = await seen(world)
        world.put(...users.map(user => accountCreated(user, 2)))
        await world.finish()
        const after = await seen(world)
        ok(
          after.attributes === before.attributes,
          `${after.attributes - before.attributes} objects sent again`,
        )
        ok(shapingOf(replica).suppressedObjects === 75)
        ok(after.requests - before.requests < before.requests, `${after.requests} after ${before.requests}`)
        return undefined
      },
    },
    {
      name: 'attributes that Braze has already are not sent by the process that comes after either',
      async play(world) {
        const first = await world.start()
        const users = customers(50)
        world.put(...users.map(user => accountCreated(user, 1)))
        await world.finish()
        await first.stop()
        const before = await seen(world)
        const second = await world.start()
        world.put(...users.map(user => accountCreated(user, 2)))
        world.put(accountCreated('c-3', 3, { firstName: 'Grace' }))
        await world.finish()
        const after = await seen(world)
        ok(after.attributes === before.attributes + 1, 'only the name that has changed')
        ok(shapingOf(second).suppressedObjects === 50)
        return undefined
      },
    },
    {
      name: 'nothing is remembered of attributes that Braze did not take in',
      async play(world) {
        await world.start()
        await world.fault({ rejectExternalId: 'c-1', times: 1 })
        world.put(accountCreated('c-1', 1))
        await world.finish()
        // Both objects of the record were refused; now they are not.
        world.put(accountCreated('c-1', 2))
        await world.finish()
        const [of = ''] = places(world, 'c-1')
        // One for the record, of which both objects were refused.
        return { picture: pictureOf(world.inputs.slice(1)), letters: [{ of, says: /blacklisted/ }] }
      },
    },
    {
      name: 'rules: an object that Braze would refuse is a dead letter before it is sent, and its neighbours are not',
      async play(world) {
        world.put(accountCreated('c-1', 1, { email: 'not-an-address' }), accountCreated('c-2', 1))
        await world.start()
        await world.finish()
        const isBad = ({ kind }: BrazeObject, { user }: { readonly user: string }): boolean =>
          user === 'c-1' && kind === 'attributes'
        const [of = ''] = places(world, 'c-1')
        return {
          picture: pictureOf(world.inputs, { without: isBad }),
          letters: [{ of, says: /email-format/ }],
          answers: { 201: 1 },
        }
      },
    },
    {
      name: 'rules: what is too long is shortened where the policy says so',
      world: {
        braze: { rules: { 'attribute-text-length': 'truncate', 'property-text-length': 'truncate' } },
      },
      async play(world) {
        const long = 'x'.repeat(300)
        world.put(accountCreated('c-1', 1, { firstName: long }), wishlisted('c-2', 1, long))
        await world.start()
        await world.finish()
        const short = (value: unknown): unknown => (value === long ? long.slice(0, 255) : value)
        const shortIn = (fields: object): object =>
          Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, short(value)]))
        return {
          picture: pictureOf(world.inputs, {
            changed: ({ kind, object }) => {
              const { properties } = object as { readonly properties?: object }
              const changed =
                properties === undefined
                  ? shortIn(object)
                  : { ...shortIn(object), properties: shortIn(properties) }
              return { kind, object: changed } as BrazeObject
            },
          }),
          answers: { 201: 1 },
        }
      },
    },
    {
      name: 'rules: a field at fault is left out where the policy says so',
      world: { input: 'objects', braze: { rules: { 'current-location': 'drop-field' } } },
      async play(world) {
        world.putObjects('u', attributes('u', { current_location: 'nowhere', city: 'Paris' }))
        await world.start()
        await world.finish()
        return {
          picture: { u: { attributes: { city: 'Paris' }, events: [], purchases: [] } },
          answers: { 201: 1 },
        }
      },
    },
    {
      name: 'legacy contracts: 75 of each array, 225 in a request',
      world: {
        input: 'objects',
        simulator: { objectLimit: 'per-array' },
        braze: { objectLimit: 'per-array' },
      },
      async play(world) {
        for (const [n, user] of customers(150).entries()) {
          world.putObjects(
            user,
            attributes(user, { n }),
            event(user, `${user}-1`),
            purchase(user, `${user}-2`),
          )
        }
        await world.start()
        await world.finish()
        const { max } = await world.state()
        ok(max.objects === 225, `${max.objects} objects in the largest request`)
        return { answers: { 201: 2 } }
      },
    },
    {
      name: 'large objects: no request is over 4 MB, and none over what is set',
      world: { input: 'objects', braze: { maxRequestBytes: 3_500_000 } },
      async play(world) {
        const part = 'y'.repeat(250)
        // About 90 KB each, under the 100 KB of one event's properties: 75 of them would be 6.9 MB.
        const properties = Object.fromEntries(
          Array.from({ length: 240 }, (_, n) => [`p${n}`, n % 2 === 0 ? part : `${part}ü`]),
        )
        for (const user of customers(120)) world.putObjects(user, event(user, `${user}-1`, properties))
        await world.start()
        await world.finish()
        const { max, requests } = await world.state()
        ok(max.bytes <= 3_500_000 && max.bytes > 3_200_000, `${max.bytes} bytes in the largest request`)
        ok(requests.byStatus['413'] === undefined)
        return undefined
      },
    },
    {
      name: 'an event sees the attributes of its own record, and none of a later one',
      async play(world) {
        const replica = await world.start()
        // Two bookings of one customer wait together: the second one's attributes must not reach the first one's event.
        world.put(booked('c-1', 1, 'Paris'), booked('c-1', 2, 'Rome'))
        await world.finish()
        const arrivals = await seen(world)
        ok(arrivals.requests === 2, `${arrivals.requests} requests`)
        ok(shapingOf(replica).folded === 0)
        return { answers: { 201: 2 } }
      },
    },
  ],
}
