import { readFileSync } from 'node:fs'
import { Environment, type CommonConfig } from '@tributary/service'

/** A process that is looked at. */
export interface WatchedInstance {
  /** As it is called on the pages. */
  readonly name: string
  /** Of its HTTP side, without a slash at the end. */
  readonly url: string
}

/** What the console is told by its environment. */
export interface ConsoleConfig {
  readonly kafkaBrokers: readonly string[]
  readonly schemaRegistryUrl: string
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly logLevel: CommonConfig['logLevel']
  /** Whoever has it may see everything. */
  readonly token: string
  readonly instances: readonly WatchedInstance[]
  /** Undefined: the applications' own, `<application>-dead-letters`. */
  readonly deadLetterTopics: readonly string[] | undefined
  readonly isReplayAllowed: boolean
  /** A partition whose oldest unfinished record is older lags. */
  readonly lagWarningMs: number
}

const MIN_TOKEN_LENGTH = 16
const NAME = /^[\w.-]{1,100}$/
const TOPIC = /^[\w.-]{1,249}$/

/** Of the variables that only the console has. The README lists them; a test compares the two. */
export const CONSOLE_VARIABLES = {
  CONSOLE_TOKEN: undefined,
  CONSOLE_TOKEN_FILE: undefined,
  CONSOLE_INSTANCES: undefined,
  CONSOLE_DEAD_LETTER_TOPICS: undefined,
  CONSOLE_ALLOW_REPLAY: 'false',
  CONSOLE_LAG_WARNING_MS: '10000',
} as const

/** @throws Error that names every fault and what is allowed */
export function readConfig(env: NodeJS.ProcessEnv = process.env): ConsoleConfig {
  const environment = new Environment('console', env)
  environment.refuseUnknown('CONSOLE_', Object.keys(CONSOLE_VARIABLES))
  const { kafkaBrokers, schemaRegistryUrl, host, logLevel } = environment.common()
  const config = {
    kafkaBrokers,
    schemaRegistryUrl,
    host,
    logLevel,
    port: environment.integer('PORT', { fallback: 8_080, min: 0, max: 65_535 }),
    token: tokenOf(environment),
    instances: instancesOf(environment),
    deadLetterTopics: topicsOf(environment),
    isReplayAllowed: environment.choice('CONSOLE_ALLOW_REPLAY', ['true', 'false'], 'false') === 'true',
    lagWarningMs: environment.integer('CONSOLE_LAG_WARNING_MS', {
      fallback: Number(CONSOLE_VARIABLES.CONSOLE_LAG_WARNING_MS),
      min: 100,
      max: 86_400_000,
    }),
  }
  environment.check()
  return config
}

/** The messages never show a token, not even one that is too short. */
function tokenOf(environment: Environment): string {
  const text = environment.text('CONSOLE_TOKEN')
  const file = environment.text('CONSOLE_TOKEN_FILE')
  if ((text === undefined) === (file === undefined)) {
    environment.fault(
      'exactly one of CONSOLE_TOKEN and CONSOLE_TOKEN_FILE is needed: what the pages are opened with',
    )
    return ''
  }
  let token = text
  if (file !== undefined) {
    try {
      token = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    } catch (error) {
      environment.fault(`CONSOLE_TOKEN_FILE is '${file}', which cannot be read: ${(error as Error).message}`)
      return ''
    }
  }
  if (token === undefined || !/^[\x21-\x7e]{16,512}$/.test(token))
    environment.fault(`the token must have ${MIN_TOKEN_LENGTH} to 512 printable ASCII characters, no spaces`)
  return token ?? ''
}

function instancesOf(environment: Environment): readonly WatchedInstance[] {
  const text = environment.required(
    'CONSOLE_INSTANCES',
    'the processes to look at, as in sink-1=http://10.0.0.7:8080,sink-2=http://10.0.0.8:8080',
  )
  const instances: WatchedInstance[] = []
  for (const entry of text.split(',').filter(part => part !== '')) {
    const at = entry.indexOf('=')
    const name = entry.slice(0, Math.max(at, 0)).trim()
    const url = URL.parse(entry.slice(at + 1).trim())
    const isPlain =
      url !== null &&
      ['http:', 'https:'].includes(url.protocol) &&
      url.pathname === '/' &&
      url.search + url.hash + url.username + url.password === ''
    if (!NAME.test(name) || !isPlain)
      environment.fault(
        `CONSOLE_INSTANCES has an entry that is not <name>=<http://host:port>, for '${NAME.test(name) ? name : '?'}'`,
      )
    else if (instances.some(other => other.name === name))
      environment.fault(`CONSOLE_INSTANCES names '${name}' twice`)
    else instances.push({ name, url: url.origin })
  }
  return instances
}

function topicsOf(environment: Environment): readonly string[] | undefined {
  const topics = environment.text('CONSOLE_DEAD_LETTER_TOPICS')?.split(',')
  for (const topic of topics ?? [])
    if (!TOPIC.test(topic))
      environment.fault(`CONSOLE_DEAD_LETTER_TOPICS has '${topic}', which cannot be the name of a topic`)
  return topics
}
