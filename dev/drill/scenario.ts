import type { World, WorldOptions } from './in-process/world.ts'
import type { Picture } from './in-process/picture.ts'

/** What must have come of a scenario. Everything is compared exactly; what is left out has the default. */
export interface Expectation {
  /** What Braze has. Default: every object of every record, once. */
  readonly picture?: Picture
  /** Default: none. */
  readonly letters?: readonly { readonly of: string; readonly says: RegExp }[]
  /** By partition. Default: the end of each. */
  readonly committed?: readonly number[]
  /** Answers of `/users/track` by status. Default: not looked at. */
  readonly answers?: Readonly<Record<string, number>>
}

/** In this process: the real sink and the real simulator, on a clock and a Kafka of the drill's own. */
export interface Scenario {
  readonly name: string
  readonly world?: WorldOptions
  /** The sequence of requests is not an order there, because Braze is made to apply them in another one. */
  readonly isReordered?: boolean
  play(world: World): Promise<Expectation | undefined>
}

export interface Group {
  readonly name: string
  readonly scenarios: readonly Scenario[]
}

/** What has come of a scenario of either ground. */
export interface Outcome {
  readonly name: string
  /** What is not as it has to be, in words; empty when it has passed. */
  readonly problems: readonly string[]
  readonly requests: number
  readonly requestsOverLimit: number
  readonly lost: number
  readonly userOrderViolations: number
  readonly seconds: number
}
