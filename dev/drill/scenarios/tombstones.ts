import { ok } from 'node:assert/strict'
import { accountCreated, customers, wishlisted } from '../in-process/events.ts'
import { pictureOf } from '../in-process/picture.ts'
import type { World } from '../in-process/world.ts'
import type { Group } from '../scenario.ts'

/** Two users with attributes and events; one of them is gone at the source. */
async function letOneGo(world: World): Promise<void> {
  world.put(accountCreated('stays', 1), wishlisted('stays', 2))
  world.put(accountCreated('goes', 1), wishlisted('goes', 2))
  await world.finish()
  world.putTombstone('goes')
  await world.finish()
}

/** A record without a value: the user's data is gone at its source. */
export const tombstones: Group = {
  name: 'tombstones',
  scenarios: [
    {
      name: 'tombstones are ignored unless it is said otherwise',
      async play(world) {
        await world.start()
        await letOneGo(world)
        ok((await world.state()).deletions.deleted === 0)
        return undefined
      },
    },
    {
      name: 'tombstones remove the attributes that were set here, and nothing else',
      world: { braze: { tombstones: 'null-attributes' } },
      async play(world) {
        await world.start()
        await letOneGo(world)
        const whole = pictureOf(world.inputs)
        return { picture: { ...whole, goes: { ...whole['goes']!, attributes: {} } } }
      },
    },
    {
      name: 'tombstones delete the user, after everything that came before',
      world: { braze: { tombstones: 'delete-user' } },
      async play(world) {
        await world.start()
        await letOneGo(world)
        ok((await world.state()).deletions.deleted === 1)
        const { goes: _gone, ...others } = pictureOf(world.inputs)
        for (const [at, input] of world.inputs.entries())
          if (input.user === 'goes') world.inputs[at] = { ...input, objects: [] }
        return { picture: others }
      },
    },
    {
      name: 'many tombstones are deleted fifty at a time, within the limit of that endpoint',
      world: {
        input: 'objects',
        simulator: { deleteRequestsPerMinute: 2 },
        braze: { tombstones: 'delete-user', limits: { maxDeletesPerMinute: 2 } },
      },
      async play(world) {
        await world.start()
        for (const user of customers(300)) world.putTombstone(user)
        await world.finish()
        const { deletions, arrivals } = await world.state()
        ok(Object.keys(deletions.byStatus).join() === '201', JSON.stringify(deletions.byStatus))
        ok(arrivals.delete.mostInWindow <= 2, `${arrivals.delete.mostInWindow} deletions in a minute`)
        return { picture: {} }
      },
    },
    {
      name: 'what comes behind a tombstone makes the user anew, with every attribute',
      world: { braze: { tombstones: 'delete-user' } },
      async play(world) {
        await world.start()
        await letOneGo(world)
        // The same values as before: they must not pass for what Braze has.
        world.put(accountCreated('goes', 3))
        await world.finish()
        const { stays } = pictureOf(world.inputs)
        const { goes } = pictureOf(world.inputs.filter(({ user }) => user === 'goes').slice(-1))
        for (const [at, input] of world.inputs.slice(0, -1).entries())
          if (input.user === 'goes') world.inputs[at] = { ...input, objects: [] }
        return { picture: { stays: stays!, goes: goes! } }
      },
    },
  ],
}
