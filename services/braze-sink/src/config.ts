import { brazeRules, policiesOf, type BrazePolicy, type BrazeTombstonePolicy } from '@tributary/sink-braze'
import { Environment, type CommonConfig, type NumberRule } from '@tributary/service'

/** What the service is told by its environment. */
export interface ServiceConfig extends CommonConfig {
  readonly brazeUrl: string
  /** Undefined: no key is needed (a dry run). */
  readonly brazeKey: { readonly text: string } | { readonly file: string } | undefined
  readonly limits: {
    /** Of the company: the processes share it by their partitions. */
    readonly maxRequests: number
    readonly windowMs: number
    /** Undefined: the contract has no hourly limit. */
    readonly maxRequestsPerHour: number | undefined
    readonly maxDeletesPerMinute: number
    /** Undefined: as long as a window and a request last. */
    readonly handoverMs: number | undefined
  }
  readonly objectLimit: 'combined' | 'per-array'
  readonly maxObjectsPerRequest: number
  readonly maxRequestBytes: number
  /** How long a request waits to be filled. */
  readonly lingerMs: number
  /** Requests under way at once, each on a connection of its own. */
  readonly maxInFlight: number
  readonly requestTimeoutMs: number
  /** From the end of a commit to the next: what was delivered since is delivered again after a crash. */
  readonly commitIntervalMs: number
  readonly urgentReserve: number
  readonly userGapMs: number
  readonly probeBaseMs: number
  readonly probeMaxMs: number
  readonly rules: Readonly<Record<string, BrazePolicy>>
  readonly suppressUnchanged: boolean
  /** Null: never. */
  readonly fullRefreshAfterMs: number | null
  /** Of each user's latest, so that they are not sent again. */
  readonly rememberedEvents: number
  readonly memoryTopic: string
  readonly tombstones: BrazeTombstonePolicy
}

const INT32_MAX = 2_147_483_647
const WEEK_MS = 604_800_000

interface Variable {
  /** As an operator would write it; undefined: nothing. */
  readonly fallback: string | undefined
  readonly rule?: NumberRule
  readonly choices?: readonly string[]
}

const number = (fallback: number, min: number, max: number): Variable & { readonly rule: NumberRule } => ({
  fallback: String(fallback),
  rule: { fallback, min, max },
})

/** Of the variables that only this service has. The README lists them; a test compares the two. */
export const BRAZE_VARIABLES = {
  BRAZE_URL: { fallback: undefined },
  BRAZE_API_KEY: { fallback: undefined },
  BRAZE_API_KEY_FILE: { fallback: undefined },
  BRAZE_MAX_REQUESTS_PER_WINDOW: number(3_000, 1, 1_000_000),
  BRAZE_WINDOW_MS: number(3_000, 1, 3_600_000),
  BRAZE_MAX_REQUESTS_PER_HOUR: number(0, 0, INT32_MAX),
  BRAZE_MAX_DELETES_PER_MINUTE: number(20_000, 1, 1_000_000),
  BRAZE_HANDOVER_MS: { fallback: undefined, rule: { fallback: 0, min: 0, max: 3_600_000 } },
  BRAZE_URGENT_RESERVE: number(0.1, 0, 0.5),
  BRAZE_OBJECT_LIMIT: { fallback: 'combined', choices: ['combined', 'per-array'] },
  BRAZE_MAX_OBJECTS_PER_REQUEST: number(75, 1, 225),
  BRAZE_MAX_REQUEST_BYTES: number(3_500_000, 1_000, 4_000_000),
  BRAZE_LINGER_MS: number(200, 0, 60_000),
  BRAZE_MAX_IN_FLIGHT: number(8, 1, 1_000),
  BRAZE_REQUEST_TIMEOUT_MS: number(10_000, 1, 300_000),
  BRAZE_COMMIT_INTERVAL_MS: number(200, 10, 5_000),
  BRAZE_USER_GAP_MS: number(0, 0, 60_000),
  BRAZE_PROBE_BASE_MS: number(5_000, 1, 3_600_000),
  BRAZE_PROBE_MAX_MS: number(60_000, 1, 3_600_000),
  BRAZE_RULES: { fallback: undefined },
  BRAZE_SUPPRESS_UNCHANGED: { fallback: 'on', choices: ['on', 'off'] },
  BRAZE_FULL_REFRESH_AFTER_MS: {
    fallback: String(WEEK_MS),
    rule: { fallback: WEEK_MS, min: 0, max: Number.MAX_SAFE_INTEGER },
  },
  BRAZE_REMEMBERED_EVENTS: number(0, 0, 1_000),
  BRAZE_MEMORY_TOPIC: { fallback: 'braze-sink-memory' },
  BRAZE_TOMBSTONES: { fallback: 'ignore', choices: ['ignore', 'null-attributes', 'delete-user'] },
} as const satisfies Readonly<Record<string, Variable>>

type Name = keyof typeof BRAZE_VARIABLES

/** Throws one Error that names every fault and what is allowed. */
export function readConfig(
  env: NodeJS.ProcessEnv = process.env,
  { needsKey = true }: { readonly needsKey?: boolean } = {},
): ServiceConfig {
  const environment = new Environment('braze-sink', env)
  environment.refuseUnknown('BRAZE_', Object.keys(BRAZE_VARIABLES))
  const config: ServiceConfig = {
    ...environment.common(),
    brazeUrl: environment.required('BRAZE_URL', "the REST endpoint of the company's Braze instance"),
    brazeKey: keyOf(environment, needsKey),
    limits: {
      maxRequests: integerOf(environment, 'BRAZE_MAX_REQUESTS_PER_WINDOW'),
      windowMs: integerOf(environment, 'BRAZE_WINDOW_MS'),
      maxRequestsPerHour: integerOf(environment, 'BRAZE_MAX_REQUESTS_PER_HOUR') || undefined,
      maxDeletesPerMinute: integerOf(environment, 'BRAZE_MAX_DELETES_PER_MINUTE'),
      handoverMs:
        environment.text('BRAZE_HANDOVER_MS') === undefined
          ? undefined
          : integerOf(environment, 'BRAZE_HANDOVER_MS'),
    },
    objectLimit: choiceOf(environment, 'BRAZE_OBJECT_LIMIT'),
    maxObjectsPerRequest: integerOf(environment, 'BRAZE_MAX_OBJECTS_PER_REQUEST'),
    maxRequestBytes: integerOf(environment, 'BRAZE_MAX_REQUEST_BYTES'),
    lingerMs: integerOf(environment, 'BRAZE_LINGER_MS'),
    maxInFlight: integerOf(environment, 'BRAZE_MAX_IN_FLIGHT'),
    requestTimeoutMs: integerOf(environment, 'BRAZE_REQUEST_TIMEOUT_MS'),
    commitIntervalMs: integerOf(environment, 'BRAZE_COMMIT_INTERVAL_MS'),
    urgentReserve: environment.fraction('BRAZE_URGENT_RESERVE', BRAZE_VARIABLES.BRAZE_URGENT_RESERVE.rule),
    userGapMs: integerOf(environment, 'BRAZE_USER_GAP_MS'),
    probeBaseMs: integerOf(environment, 'BRAZE_PROBE_BASE_MS'),
    probeMaxMs: integerOf(environment, 'BRAZE_PROBE_MAX_MS'),
    rules: rulesOf(environment),
    suppressUnchanged: choiceOf(environment, 'BRAZE_SUPPRESS_UNCHANGED') === 'on',
    fullRefreshAfterMs:
      environment.text('BRAZE_FULL_REFRESH_AFTER_MS') === 'never'
        ? null
        : integerOf(environment, 'BRAZE_FULL_REFRESH_AFTER_MS'),
    rememberedEvents: integerOf(environment, 'BRAZE_REMEMBERED_EVENTS'),
    memoryTopic: environment.text('BRAZE_MEMORY_TOPIC') ?? BRAZE_VARIABLES.BRAZE_MEMORY_TOPIC.fallback,
    tombstones: choiceOf(environment, 'BRAZE_TOMBSTONES'),
  }
  checkTogether(environment, config)
  environment.check()
  return config
}

function integerOf(
  environment: Environment,
  name: { [N in Name]: (typeof BRAZE_VARIABLES)[N] extends { readonly rule: NumberRule } ? N : never }[Name],
): number {
  return environment.integer(name, BRAZE_VARIABLES[name].rule)
}

function choiceOf<
  N extends {
    [N in Name]: (typeof BRAZE_VARIABLES)[N] extends { readonly choices: object } ? N : never
  }[Name],
>(environment: Environment, name: N): (typeof BRAZE_VARIABLES)[N]['choices'][number] {
  const { choices, fallback } = BRAZE_VARIABLES[name]
  return environment.choice(name, choices, fallback) as (typeof BRAZE_VARIABLES)[N]['choices'][number]
}

function keyOf(environment: Environment, needsKey: boolean): ServiceConfig['brazeKey'] {
  const text = environment.text('BRAZE_API_KEY')
  const file = environment.text('BRAZE_API_KEY_FILE')
  if (text !== undefined && file !== undefined) {
    environment.fault('BRAZE_API_KEY and BRAZE_API_KEY_FILE exclude each other')
  }
  if (file !== undefined) return { file }
  if (text !== undefined) return { text }
  if (needsKey) {
    environment.fault(
      'BRAZE_API_KEY_FILE (or BRAZE_API_KEY) is missing: a file that holds a key with the permission users.track, which is read again when it changes',
    )
  }
  return undefined
}

/** `attribute-text-length=truncate,event-name-length=reject` */
function rulesOf(environment: Environment): Readonly<Record<string, BrazePolicy>> {
  const policies: Record<string, BrazePolicy> = {}
  for (const entry of (environment.text('BRAZE_RULES') ?? '').split(',')) {
    if (entry.trim() === '') continue
    const [id = '', policy = '', ...rest] = entry.split('=').map(part => part.trim())
    const rule = brazeRules.find(candidate => candidate.id === id)
    const allowed = rule === undefined ? [] : policiesOf(rule)
    const known = allowed.find(each => each === policy)
    if (known !== undefined && rest.length === 0) policies[id] = known
    else if (rule === undefined) {
      const ids = brazeRules.map(candidate => candidate.id).join(', ')
      environment.fault(`BRAZE_RULES has '${entry.trim()}', which names no rule; there are ${ids}`)
    } else {
      environment.fault(
        `BRAZE_RULES has '${entry.trim()}'; allowed for ${id}: ${allowed.map(each => `${id}=${each}`).join(', ')}`,
      )
    }
  }
  return policies
}

function checkTogether(environment: Environment, config: ServiceConfig): void {
  if (config.probeMaxMs < config.probeBaseMs) {
    environment.fault(
      `BRAZE_PROBE_MAX_MS, ${config.probeMaxMs}, is less than BRAZE_PROBE_BASE_MS, ${config.probeBaseMs}`,
    )
  }
  if (config.tombstones === 'null-attributes' && !config.suppressUnchanged) {
    environment.fault(
      'BRAZE_TOMBSTONES=null-attributes needs BRAZE_SUPPRESS_UNCHANGED=on: only then is known what was set',
    )
  }
}
