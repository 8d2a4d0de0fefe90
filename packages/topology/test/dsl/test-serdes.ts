import type { Codec, Serde } from '../../src/serde/serde.ts'

/** A serde that a plan can carry; nothing is ever encoded in these tests. */
export function testSerde<T>(name: string): Serde<T> {
  return { name, open: () => Promise.reject<Codec<T>>(new Error(`${name} cannot be opened`)) }
}

export const stringSerde: Serde<string> = testSerde('string')
