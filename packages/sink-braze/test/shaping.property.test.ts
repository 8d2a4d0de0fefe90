import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FoldedAttributes } from '../src/fold.ts'
import type { BrazeMemory } from '../src/memory.ts'
import {
  brazeAttributes,
  brazeEvent,
  brazeLaneKey,
  brazeTombstone,
  type BrazeObject,
} from '../src/objects.ts'
import { oracleSeed as seed } from '../../../test-support/oracle.ts'
import { NaiveBraze, type Entry } from './naive-braze.ts'
import { CALL, createWorld, itemOf, type Fate, type Item, type World } from './shaping-world.ts'

const users = fc.constantFrom('u1', 'u2', 'u3')
const elements = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 })
/** Values that do the same when they arrive twice. */
const plainValues = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<unknown>(1, 2, 'x', null) },
  fc.constantFrom<unknown>({ to: 'Oslo' }, { to: 'Rome' }),
  elements,
)
const values = fc.oneof(
  { weight: 6, arbitrary: plainValues },
  fc.record({ inc: fc.integer({ min: -2, max: 2 }) }),
  fc.record({ add: elements }),
  fc.record({ remove: elements }),
  // Halves, so that the order of additions does not show in the last digit.
  fc.constant({ inc: 0.5 }),
)

const attributesOf = (of: fc.Arbitrary<unknown>): fc.Arbitrary<Entry> =>
  fc
    .record(
      {
        p: of,
        q: of,
        r: of,
        _merge_objects: fc.constantFrom(true, false, ...Array<undefined>(12)),
        _update_existing_only: fc.constantFrom(true, ...Array<undefined>(9)),
      },
      { requiredKeys: [] },
    )
    .map(object => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)))

interface Step {
  readonly user: string
  readonly what: 'attributes' | 'event' | 'tombstone'
  readonly object: Entry
}

function stepsOf(of: fc.Arbitrary<unknown>, tombstones: number): fc.Arbitrary<Step[]> {
  const what = fc.oneof(
    { weight: 12, arbitrary: fc.constant<Step['what']>('attributes') },
    { weight: 5, arbitrary: fc.constant<Step['what']>('event') },
    { weight: tombstones, arbitrary: fc.constant<Step['what']>('tombstone') },
  )
  return fc.array(fc.record({ user: users, what, object: attributesOf(of) }), {
    minLength: 1,
    maxLength: 40,
    size: 'max',
  })
}

function toBraze({ user, what, object }: Step, id: number): BrazeObject {
  if (what === 'attributes') return brazeAttributes({ external_id: user, ...object })
  if (what === 'tombstone') return brazeTombstone({ external_id: user })
  return brazeEvent({ external_id: user, name: 'e', time: '2026-03-01T10:00:00Z', properties: { id } })
}

function oneByOne(steps: readonly Step[]): NaiveBraze {
  const braze = new NaiveBraze()
  for (const [id, { user, what, object }] of steps.entries()) {
    if (what === 'attributes') braze.update({ external_id: user, ...object })
    else if (what === 'event') braze.record({ external_id: user, properties: { id } })
    else braze.delete(user)
  }
  return braze
}

const byUser = ({ events }: NaiveBraze): unknown => Map.groupBy(events, ({ user }) => user)

interface Cut {
  readonly asksJoins: boolean
  readonly maxItems: number
  /** How much of the queue is there already. */
  readonly arrived: number
  /** Of a step that has any. */
  readonly memories?: ReadonlyMap<string, BrazeMemory> | undefined
}

/** Cuts a history into batches as the step does: by lane, as far as `joins` lets items together. */
function takeBatch(queue: Item[], { destination }: World, cut: Cut): Item[] {
  const { asksJoins, maxItems, arrived, memories } = cut
  const batch: Item[] = []
  const closed = new Set<string>()
  const before = new Map<string, BrazeObject[]>()
  let counted = 0
  for (const item of queue.slice(0, arrived)) {
    const lane = brazeLaneKey(item.value)
    if (closed.has(lane)) continue
    const ofLane = before.get(lane) ?? []
    const isAsked = asksJoins && (ofLane.length > 0 || memories !== undefined)
    const joining = isAsked ? destination.joins(item.value, ofLane, memories?.get(lane)) : 'counts'
    if (joining === 'waits' || (joining === 'counts' && counted >= maxItems)) {
      closed.add(lane)
      continue
    }
    if (joining === 'counts') counted += 1
    before.set(lane, [...ofLane, item.value])
    batch.push(item)
    queue.splice(queue.indexOf(item), 1)
  }
  return batch
}

test('attributes that fold change a profile as they would one after the other', t => {
  t.diagnostic(`ORACLE_SEED=${seed}`)
  let folded = 0
  const objects = fc.array(attributesOf(values), { minLength: 2, maxLength: 6 })
  fc.assert(
    fc.property(attributesOf(plainValues), objects, (initial, updates) => {
      const naive = new NaiveBraze()
      const braze = new NaiveBraze()
      for (const each of [naive, braze])
        each.update({ external_id: 'u', ...initial, _update_existing_only: false })
      const named = updates.map(object => ({ external_id: 'u', ...object }))
      let together = new FoldedAttributes(named[0] as Entry)
      for (const [index, object] of named.entries()) {
        naive.update(object)
        if (index === 0) continue
        if (together.add(object)) {
          folded += 1
          continue
        }
        braze.update(together.toObject())
        together = new FoldedAttributes(object)
      }
      braze.update(together.toObject())
      assert.deepEqual(braze.profiles, naive.profiles)
    }),
    { seed, numRuns: 3_000, includeErrorInReport: true },
  )
  assert.ok(folded > 1_000, `${folded} folds`)
})

for (const hasMemory of [false, true]) {
  for (const asksJoins of [false, true]) {
    const how = `${hasMemory ? 'with' : 'without'} a memory, batches ${asksJoins ? 'by joins' : 'of whatever comes'}`
    test(`profiles, and what each event finds, are as if objects were sent one by one: ${how}`, async () => {
      const seen = { folded: 0, suppressed: 0, several: 0 }
      const arbitrary = fc.tuple(stepsOf(values, hasMemory ? 1 : 0), fc.integer({ min: 1, max: 8 }))
      await fc.assert(
        fc.asyncProperty(arbitrary, async ([steps, maxItems]) => {
          const world = createWorld({ tombstones: 'delete-user' })
          const memories = hasMemory ? new Map<string, BrazeMemory>() : undefined
          const queue = steps.map((step, offset) => itemOf(toBraze(step, offset), offset, undefined))
          while (queue.length > 0) {
            const batch = takeBatch(queue, world, { asksJoins, maxItems, arrived: Infinity, memories })
            const items = batch.map(({ value, context }) => itemOf(value, context.offset, memories))
            const before = world.sender.requests.length
            const outcomes = await world.destination.deliver(items, CALL)
            if (asksJoins) assert.ok(world.sender.requests.length <= before + 1, 'one request per batch')
            if (world.sender.requests.length > before + 1) seen.several += 1
            remember(items, outcomes, memories)
            assert.ok(outcomes.every(({ kind }) => kind === 'accepted' || kind === 'skipped'))
          }
          const { braze, requests } = world.sender
          const expected = oneByOne(steps)
          assert.deepEqual(braze.profiles, expected.profiles)
          assert.deepEqual(byUser(braze), byUser(expected))
          for (const { attributes = [] } of requests) {
            assert.equal(new Set(attributes.map(({ external_id: id }) => id)).size, attributes.length)
          }
          seen.folded += world.destination.stats.shaping.folded
          seen.suppressed += world.destination.stats.shaping.suppressedFields
        }),
        { seed, numRuns: 400, includeErrorInReport: true },
      )
      assert.ok(seen.folded > 50, `${seen.folded} folded`)
      assert.equal(seen.suppressed > 40, hasMemory, `${seen.suppressed} suppressed`)
      assert.equal(seen.several > 50, !asksJoins, `${seen.several} batches of several requests`)
    })
  }
}

function remember(
  items: readonly Item[],
  outcomes: Awaited<ReturnType<World['destination']['deliver']>>,
  memories: Map<string, BrazeMemory> | undefined,
): void {
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.kind !== 'accepted' || outcome.memory === undefined) continue
    const lane = brazeLaneKey((items[index] as Item).value)
    if (outcome.memory === null) memories?.delete(lane)
    else memories?.set(lane, outcome.memory)
  }
}

/** What happens between two batches, besides. */
type Mishap = 'none' | 'crash' | 'a week passes'

test('with answers lost and crashes that repeat records, every profile ends as the last values say', async () => {
  const fates = fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant<Fate>('arrives') },
      fc.constantFrom<Fate>('fails', 'lost', 'lost'),
    ),
    { maxLength: 30, size: 'max' },
  )
  const mishaps = fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant<Mishap>('none') },
      fc.constantFrom<Mishap>('crash', 'crash', 'a week passes'),
    ),
    { maxLength: 20, size: 'max' },
  )
  // Without merged objects and update-only: applied twice, they may do something else.
  const few = fc.constantFrom<unknown>(1, 2, null)
  const steps = fc.array(
    fc.record({
      user: users,
      what: fc.constantFrom<Step['what']>('attributes', 'attributes', 'attributes', 'event'),
      object: fc.record({ p: few, q: few }, { requiredKeys: [] }) as fc.Arbitrary<Entry>,
    }),
    { minLength: 1, maxLength: 30, size: 'max' },
  )
  const arriving = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 30, size: 'max' })
  const seen = { crashes: 0, suppressed: 0 }
  await fc.assert(
    fc.asyncProperty(steps, fates, mishaps, arriving, async (history, script, accidents, sizes) => {
      const arrivals = [...sizes]
      const world = createWorld()
      world.sender.fates = [...script]
      const memories = new Map<string, BrazeMemory>()
      const finished = new Set<number>()
      let committed = 0
      let queue = history.map((step, offset) => itemOf(toBraze(step, offset), offset, undefined))
      const all = [...queue]
      while (queue.length > 0) {
        const batch = takeBatch(queue, world, {
          asksJoins: true,
          maxItems: 5,
          arrived: arrivals.shift() ?? 5,
          memories,
        })
        const { requests } = world.sender
        const before = requests.length
        const items = batch.map(item => itemOf(item.value, item.context.offset, memories, item.attempts))
        try {
          const outcomes = await world.destination.deliver(items, CALL)
          remember(items, outcomes, memories)
          const sent = requests.slice(before).flatMap(request => Object.values(request).flat())
          assert.ok(sent.length <= 5, `${sent.length} objects in a batch of 5`)
          const again = batch.filter((_, index) => outcomes[index]?.kind === 'retry')
          for (const item of batch) if (!again.includes(item)) finished.add(item.context.offset)
          queue.unshift(...again)
        } catch {
          queue.unshift(...batch.map(item => ({ ...item, attempts: item.attempts + 1 })))
        }
        const mishap = accidents.shift() ?? 'none'
        if (mishap === 'a week passes') await world.clock.advance(7 * 24 * 3_600_000)
        if (mishap === 'crash') {
          // What is remembered was written before the offset is committed, and so outlives it.
          seen.crashes += 1
          finished.clear()
          queue = all.slice(committed)
        } else {
          while (finished.has(committed)) committed += 1
        }
      }
      for (const [user, profile] of oneByOne(history).profiles) {
        assert.deepEqual(world.sender.braze.profiles.get(user), profile, user)
      }
      const events = new Set(world.sender.braze.events.map(({ id }) => id))
      for (const [id, { what }] of history.entries()) if (what === 'event') assert.ok(events.has(id))
      seen.suppressed += world.destination.stats.shaping.suppressedFields
    }),
    { seed, numRuns: 600, includeErrorInReport: true },
  )
  assert.ok(seen.crashes > 200 && seen.suppressed > 200, JSON.stringify(seen))
})
