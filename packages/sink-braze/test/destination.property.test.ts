import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestClock } from '@tributary/topology/testing'
import fc from 'fast-check'
import { brazeAttributes, type BrazeObject } from '../src/objects.ts'
import {
  answer,
  deliver,
  destinationTo,
  event,
  serve,
  type Body,
  type Entry,
  type Handler,
} from './harness.ts'
import { oracleSeed as seed } from '../../../test-support/oracle.ts'

/*
 * A server that follows a script of faults, and a caller that repeats what it is told to, as `deliver` does. In the end every
 * healthy object was taken in exactly once and accepted, and every object at fault was rejected and never taken in.
 */

/** What the server does with one request. */
type Mood = 'works' | 'throttles' | 'fails' | 'resets' | 'says-400-without-errors' | 'says-413'
/** What is the matter with one object. */
type Health = 'fine' | 'refused' | 'poison'

const moods = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant<Mood>('works') },
    fc.constantFrom<Mood>('throttles', 'fails', 'resets'),
  ),
  { maxLength: 12 },
)
const healths = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constant<Health>('fine') },
    fc.constantFrom<Health>('refused', 'poison'),
  ),
  { minLength: 1, maxLength: 40 },
)

class Server {
  readonly taken = new Map<string, number>()
  readonly sizes: number[] = []
  script: Mood[] = []
  /** Poison fails the whole request, with one of these. */
  poisonStatus = 400

  readonly handle: Handler = (body, response) => {
    const entries = [...(body.attributes ?? []), ...(body.events ?? [])]
    this.sizes.push(entries.length)
    const mood = this.script.shift() ?? 'works'
    if (mood === 'throttles') answer(response, 429, '', { 'x-ratelimit-retry-after': '3' })
    else if (mood === 'fails') answer(response, 503, '')
    else if (mood === 'resets') response.socket?.resetAndDestroy()
    else if (entries.some(entry => healthOf(entry) === 'poison'))
      answer(response, this.poisonStatus, { message: 'no' })
    else this.#take(body, response)
  }

  #take(body: Body, response: Parameters<Handler>[1]): void {
    const errors: object[] = []
    let count = 0
    for (const array of ['attributes', 'events'] as const) {
      for (const [index, entry] of (body[array] ?? []).entries()) {
        count += 1
        if (healthOf(entry) === 'refused') errors.push({ type: 'REFUSED', input_array: array, index })
      }
    }
    if (errors.length === count) {
      answer(response, 400, { message: 'nothing valid', errors })
      return
    }
    for (const entry of [...(body.attributes ?? []), ...(body.events ?? [])]) {
      if (healthOf(entry) === 'refused') continue
      const id = entry['external_id'] as string
      this.taken.set(id, (this.taken.get(id) ?? 0) + 1)
    }
    answer(response, 201, errors.length === 0 ? { message: 'success' } : { message: 'success', errors })
  }
}

const healthOf = (entry: Entry): Health => (entry['external_id'] as string).split(':')[0] as Health

test('every object ends as it should, whatever the server does on the way', async t => {
  t.diagnostic(`ORACLE_SEED=${seed}`)
  const server = new Server()
  const url = await serve(t, server.handle)
  const clock = new TestClock()
  const destination = destinationTo(t, url, { clock, random: () => 0.5, maxObjectsPerRequest: 15 })
  let round = 0
  await fc.assert(
    fc.asyncProperty(healths, moods, fc.constantFrom(400, 413), async (health, script, poisonStatus) => {
      round += 1
      server.taken.clear()
      server.script = [...script]
      server.poisonStatus = poisonStatus
      const objects = health.map((kind, index): BrazeObject => {
        const id = `${kind}:${round}:${index}`
        return index % 2 === 0 ? event(id) : brazeAttributes({ external_id: id, city: 'Oslo' })
      })
      let open = objects.map((object, index) => ({ object, index }))
      for (let calls = 0; open.length > 0; calls += 1) {
        assert.ok(calls <= script.length, 'without a fault of the server one call settles everything')
        try {
          const outcomes = await deliver(
            destination,
            open.map(({ object }) => object),
          )
          for (const [position, outcome] of outcomes.entries()) {
            const expected = health[open[position]?.index ?? -1] === 'fine' ? 'accepted' : 'rejected'
            if (outcome.kind !== 'retry') assert.equal(outcome.kind, expected)
          }
          open = open.filter((_, position) => outcomes[position]?.kind === 'retry')
        } catch (error) {
          assert.notEqual(
            (error as { retry?: { kind: string } }).retry?.kind ?? 'never',
            'never',
            String(error),
          )
        }
        await clock.advance(5_000)
      }
      for (const [index, kind] of health.entries()) {
        const times = server.taken.get(`${kind}:${round}:${index}`) ?? 0
        assert.equal(times, kind === 'fine' ? 1 : 0, `${kind} object ${index} was taken in ${times} times`)
      }
      assert.ok(server.sizes.every(size => size <= 15))
    }),
    { seed, numRuns: 120, includeErrorInReport: true },
  )
})
