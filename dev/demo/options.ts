import { parseArgs } from 'node:util'
import { DemoError } from './demo-error.ts'

/** Services of which several processes can share the work. */
export type ScaledService = 'marketing-events' | 'braze-sink'

export interface DemoOptions {
  /** Domain events to produce. */
  readonly events: number
  /** Everything that is generated follows from it. */
  readonly seed: number
  /** Processes per service. */
  readonly instances: Readonly<Record<ScaledService, number>>
  /** Undecodable records to mix in. */
  readonly malformed: number
  /** Whether to stay up after the summary, until Ctrl-C. */
  readonly isKept: boolean
  /** Whether the last line of standard output is the figures as JSON, and the only one. */
  readonly isJson: boolean
}

export type CommandLine = { readonly kind: 'help' } | { readonly kind: 'run'; readonly options: DemoOptions }

const LIMITS = {
  events: { min: 1, max: 1_000_000 },
  seed: { min: 0, max: 2 ** 32 - 1 },
  malformed: { min: 0, max: 1_000_000 },
  instances: { min: 1, max: 6 },
} as const

const DEFAULTS: DemoOptions = {
  events: 20_000,
  seed: 1,
  instances: { 'marketing-events': 1, 'braze-sink': 1 },
  malformed: 0,
  isKept: false,
  isJson: false,
}

export const USAGE = `Usage: npm run demo -- [options]

Runs the marketplace's events through Kafka into a stand-in for Braze, and compares what arrived
with a plain recomputation. The exit code is 0 only when nothing differs.

  --events N       domain events to produce (${DEFAULTS.events})
  --seed S         generates other customers, activities and events (${DEFAULTS.seed})
  --instances L    processes that share the work, for example marketing-events=2,braze-sink=3
                   (1 each; at most ${LIMITS.instances.max}, one per partition)
  --malformed N    undecodable records to mix in, expected in the dead letters (${DEFAULTS.malformed})
  --keep           stay up until Ctrl-C, with the console, and print the addresses
  --json           standard output is one line: the figures as JSON; the rest goes to standard error
  --help           this text
`

type OptionName = 'events' | 'seed' | 'instances' | 'malformed' | 'keep' | 'json' | 'help'

const TAKES_VALUE: Readonly<Record<OptionName, boolean>> = {
  events: true,
  seed: true,
  instances: true,
  malformed: true,
  keep: false,
  json: false,
  help: false,
}

/** @throws DemoError DEMO_USAGE for an option that does not exist, and for a value that is not allowed. */
export function readCommandLine(args: readonly string[]): CommandLine {
  const given = givenOptions(args)
  if (given.has('help')) return { kind: 'help' }
  const wholeNumber = (name: 'events' | 'seed' | 'malformed'): number => {
    const text = given.get(name)
    return text === undefined ? DEFAULTS[name] : readWholeNumber(`--${name}`, text, LIMITS[name])
  }
  const instances = given.get('instances')
  return {
    kind: 'run',
    options: {
      events: wholeNumber('events'),
      seed: wholeNumber('seed'),
      malformed: wholeNumber('malformed'),
      instances: instances === undefined ? DEFAULTS.instances : readInstances(instances),
      isKept: given.has('keep'),
      isJson: given.has('json'),
    },
  }
}

/** Value by name; a switch has an empty one. */
function givenOptions(args: readonly string[]): Map<OptionName, string> {
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries(TAKES_VALUE).map(([name, takesValue]) => [
        name,
        { type: takesValue ? 'string' : 'boolean' },
      ]),
    ),
    // Strict parsing would refuse in words of its own.
    strict: false,
    tokens: true,
  })
  const given = new Map<OptionName, string>()
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') throw refusal(`'${token.value}' is no option`)
    const { name, rawName, value } = token
    if (!isOptionName(name)) throw refusal(`there is no option ${rawName}`)
    if (TAKES_VALUE[name] && value === undefined) throw refusal(`${rawName} needs a value`)
    if (!TAKES_VALUE[name] && value !== undefined) throw refusal(`${rawName} takes no value`)
    if (given.has(name)) throw refusal(`${rawName} is given twice`)
    given.set(name, value ?? '')
  }
  return given
}

function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(TAKES_VALUE, name)
}

function readWholeNumber(label: string, text: string, limits: { min: number; max: number }): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= limits.min && value <= limits.max) return value
  throw refusal(`${label} is '${text}'; allowed is a whole number from ${limits.min} to ${limits.max}`)
}

function readInstances(text: string): DemoOptions['instances'] {
  const instances: Record<ScaledService, number> = { ...DEFAULTS.instances }
  const seen = new Set<string>()
  for (const part of text.split(',')) {
    const [name = '', count = ''] = part.split('=', 2)
    if (!Object.hasOwn(instances, name)) {
      const allowed = Object.keys(instances)
        .map(service => `${service}=N`)
        .join(',')
      throw refusal(`--instances is '${text}'; allowed is ${allowed} or one of them`)
    }
    if (seen.has(name)) throw refusal(`--instances names ${name} twice`)
    seen.add(name)
    instances[name as ScaledService] = readWholeNumber(`--instances ${name}`, count, LIMITS.instances)
  }
  return instances
}

function refusal(what: string): DemoError {
  return new DemoError('DEMO_USAGE', `${what[0]!.toUpperCase()}${what.slice(1)}.\n\n${USAGE}`)
}
