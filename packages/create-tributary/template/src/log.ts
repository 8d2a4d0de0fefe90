import { inspect } from 'node:util'
import type { Logger } from '@tributary/topology'

type Say = Logger['info']

/** A line per message, of an error only what it says. pino fits in the place of all this. */
const sayAs =
  (level: string): Say =>
  (facts, message) => {
    const shown = Object.entries(facts).map(([name, fact]: [string, unknown]) => {
      return `${name}=${fact instanceof Error ? fact.message : inspect(fact, { breakLength: Infinity })}`
    })
    console.error([level, message, ...shown].join(' '))
  }

export const logger: Logger = {
  debug: () => {},
  info: sayAs('info'),
  warn: sayAs('warn'),
  error: sayAs('error'),
}
