import type { RecordHandler } from '../plan/compiled.ts'

const NOTHING: RecordHandler = () => {}

/** One handler for several: each is called with the record, to its end, before the next. */
export function fanOut(handlers: readonly RecordHandler[]): RecordHandler {
  const [first, second, third] = handlers
  if (first === undefined) return NOTHING
  if (second === undefined) return first
  if (third === undefined) {
    return (key, value) => {
      first(key, value)
      second(key, value)
    }
  }
  return (key, value) => {
    for (const handler of handlers) handler(key, value)
  }
}
