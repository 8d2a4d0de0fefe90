import { test } from 'node:test'
import fc from 'fast-check'
import { oracleAsync } from '../../../../test-support/oracle.ts'
import { settled } from '../../src/testing/test-clock.ts'
import { KEYS, KINDS, World, type Guarantee, type Key, type Kind } from './application-world.ts'

/*
 * Random histories of a whole application: up to three processes share three partitions while records, rows and answers
 * come in any order, acknowledgements are late, commits and outputs are refused, sessions end, and processes join, leave
 * and crash between any two calls. What has to hold stands in `World.check` and `World.checkOutcome`.
 */

/** For each guarantee. */
const HISTORIES = 400

type Step =
  | { readonly do: 'put'; readonly key: Key; readonly kind: Kind }
  | { readonly do: 'answer'; readonly which: number; readonly how: 'finally' | 'later' }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'update a row' | 'break a row'; readonly key: Key }
  | { readonly do: 'refuse a commit'; readonly how: 'fenced' | 'unavailable' }
  | { readonly do: 'expire' | 'leave'; readonly which: number }
  | {
      readonly do: 'crash'
      readonly which: number
      readonly calls: number
      readonly lastTakesEffect: boolean
    }
  | {
      readonly do:
        | 'join'
        | 'bury'
        | 'hold acknowledgements'
        | 'release acknowledgements'
        | 'refuse an output'
        | 'time transactions out'
    }

const key = fc.constantFrom(...KEYS)
const which = fc.nat(11)

function step<T extends Step['do']>(
  weight: number,
  kinds: readonly T[],
  rest: object = {},
): fc.WeightedArbitrary<Step> {
  return { weight, arbitrary: fc.record({ do: fc.constantFrom(...kinds), ...rest }) as fc.Arbitrary<Step> }
}

const steps: fc.Arbitrary<Step> = fc.oneof(
  step(16, ['put'], { key, kind: fc.constantFrom('plain', 'asked', 'asked', ...KINDS) }),
  step(10, ['answer'], { which, how: fc.constantFrom('finally', 'finally', 'later') }),
  step(8, ['advance'], { ms: fc.constantFrom(5, 15, 60, 150, 600) }),
  step(2, ['update a row', 'break a row'], { key }),
  step(1, ['refuse a commit'], { how: fc.constantFrom('fenced', 'unavailable') }),
  step(2, ['expire', 'leave'], { which }),
  step(2, ['crash'], { which, calls: fc.nat(8), lastTakesEffect: fc.boolean() }),
  step(4, ['join']),
  step(2, ['bury']),
  step(3, ['hold acknowledgements', 'release acknowledgements', 'release acknowledgements']),
  step(1, ['refuse an output', 'time transactions out']),
)

/** A history goes on before everything has settled that a step has set off. */
const histories = fc.array(fc.record({ step: steps, turns: fc.constantFrom(0, 0, 1, 2, 5) }), {
  maxLength: 80,
  size: 'max',
})

async function take(world: World, next: Step): Promise<void> {
  switch (next.do) {
    case 'put':
      world.put(next.key, next.kind)
      break
    case 'answer':
      world.answer(next.which, next.how)
      break
    case 'advance':
      await world.clock.advance(next.ms)
      break
    case 'update a row':
      world.updateRow(next.key)
      break
    case 'break a row':
      world.putMalformedRow(next.key)
      break
    case 'refuse a commit':
      world.refuseCommit(next.how)
      break
    case 'refuse an output':
      world.refuseSend()
      break
    case 'expire':
      world.expire(next.which)
      break
    case 'leave':
      world.leave(next.which)
      break
    case 'crash':
      world.crash(next.which, next.calls, next.lastTakesEffect)
      break
    case 'join':
      await world.start()
      break
    case 'bury':
      world.bury()
      break
    case 'hold acknowledgements':
      world.holdAcks()
      break
    case 'release acknowledgements':
      world.releaseAcks()
      break
    case 'time transactions out':
      world.kafka.timeOutTransactions()
  }
}

const PROMISES: Readonly<Record<Guarantee, string>> = {
  'at-least-once': 'nothing is lost or overtaken, and only a break repeats what was not committed',
  'exactly-once': 'a reader of committed records sees each output once, with its offset',
}

for (const guarantee of ['at-least-once', 'exactly-once'] as const) {
  test(`${guarantee}: ${PROMISES[guarantee]}`, async t => {
    let count = 0
    let inputs = 0
    let breaks = 0
    await oracleAsync(
      fc.asyncProperty(histories, async history => {
        const world = new World(guarantee)
        await world.start()
        for (const { step: next, turns } of history) {
          await take(world, next)
          for (let turn = 0; turn < turns; turn += 1) await settled()
          world.check()
        }
        await world.finish()
        world.checkOutcome()
        await world.close()
        count += 1
        inputs += world.inputs
        breaks += world.interruptions
      }),
      { runs: HISTORIES },
    )
    t.diagnostic(`${count} histories, ${inputs} records, ${breaks} breaks`)
  })
}
