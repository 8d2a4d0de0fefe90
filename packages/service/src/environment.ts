const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

export interface CommonConfig {
  readonly kafkaBrokers: readonly string[]
  readonly schemaRegistryUrl: string
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly logLevel: (typeof LOG_LEVELS)[number]
  readonly groupProtocol: 'consumer' | 'classic'
  /** Static membership. */
  readonly instanceId: string | undefined
  readonly guarantee: 'at-least-once' | 'exactly-once'
  /** The part of the time in which the consumer is to be without lag. */
  readonly objective: number
  /** Where metrics are sent besides; undefined: nowhere. */
  readonly dogStatsD: { readonly host: string; readonly port: number } | undefined
  /** What the cluster is called in the paths of Burrow's API. */
  readonly cluster: string
}

export interface NumberRule {
  readonly fallback: number
  readonly min: number
  readonly max: number
}

/** Reads a service's environment and collects what is wrong with it, so that one start tells every fault. */
export class Environment {
  readonly #service: string
  readonly #env: NodeJS.ProcessEnv
  readonly #faults: string[] = []

  constructor(service: string, env: NodeJS.ProcessEnv) {
    this.#service = service
    this.#env = env
  }

  /** A variable that is set to nothing counts as not set, as in a Compose file's `KEY=`. */
  text(name: string): string | undefined {
    const value = this.#env[name]
    return value === '' ? undefined : value
  }

  required(name: string, meaning: string): string {
    const value = this.text(name)
    if (value === undefined) this.#faults.push(`${name} is missing: ${meaning}`)
    return value ?? ''
  }

  integer(name: string, rule: NumberRule): number {
    return this.#number(name, /^\d+$/, rule)
  }

  /** With a decimal point. */
  fraction(name: string, rule: NumberRule): number {
    return this.#number(name, /^\d+(\.\d+)?$/, rule)
  }

  choice<const T extends readonly string[]>(name: string, allowed: T, fallback: T[number]): T[number] {
    const value = this.text(name) ?? fallback
    if (!allowed.includes(value)) this.#faults.push(`${name} is '${value}'; allowed: ${allowed.join(', ')}`)
    return value
  }

  /** Refuses variables of the prefix that are not known: a misspelt one must not silently be the default. */
  refuseUnknown(prefix: string, known: readonly string[]): void {
    for (const name of Object.keys(this.#env)) {
      if (name.startsWith(prefix) && !known.includes(name)) {
        this.#faults.push(`${name} is unknown; allowed: ${known.join(', ')}`)
      }
    }
  }

  /** What every service around a topology needs. */
  common(): CommonConfig {
    return {
      kafkaBrokers: this.required('KAFKA_BROKERS', 'host:port of some brokers, separated by commas').split(
        ',',
      ),
      schemaRegistryUrl: this.required('SCHEMA_REGISTRY_URL', 'the URL of a Confluent-compatible registry'),
      host: this.text('HOST') ?? '127.0.0.1',
      port: this.integer('PORT', { fallback: 8_080, min: 0, max: 65_535 }),
      logLevel: this.choice('LOG_LEVEL', LOG_LEVELS, 'info'),
      groupProtocol: this.choice('GROUP_PROTOCOL', ['consumer', 'classic'], 'consumer'),
      instanceId: this.text('INSTANCE_ID'),
      objective: this.fraction('SLO_OBJECTIVE', { fallback: 0.9995, min: 0.5, max: 0.999999 }),
      dogStatsD: this.#address('DOGSTATSD_ADDRESS', 8_125),
      cluster: this.text('BURROW_CLUSTER') ?? 'kafka',
      guarantee: this.choice('GUARANTEE', ['at-least-once', 'exactly-once'], 'at-least-once'),
    }
  }

  /** `host` or `host:port`. */
  #address(name: string, fallback: number): { readonly host: string; readonly port: number } | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const [, host = '', port = String(fallback)] =
      /^(\[[\da-f:]+\]|[\w.-]+)(?::(\d{1,5}))?$/i.exec(text) ?? []
    if (host === '' || Number(port) < 1 || Number(port) > 65_535)
      this.#faults.push(`${name} is '${text}'; allowed: host or host:port`)
    return { host: host.replaceAll(/[[\]]/g, ''), port: Number(port) }
  }

  /** A fault that a service finds by itself, such as two variables that exclude each other. */
  fault(text: string): void {
    this.#faults.push(text)
  }

  /** Throws one Error that names every fault and what is allowed. */
  check(): void {
    if (this.#faults.length > 0) throw new Error(`${this.#service} cannot start: ${this.#faults.join('; ')}`)
  }

  #number(name: string, form: RegExp, rule: NumberRule): number {
    const text = this.text(name)
    if (text === undefined) return rule.fallback
    const value = Number(text)
    if (form.test(text) && value >= rule.min && value <= rule.max) return value
    this.#faults.push(`${name} is '${text}'; allowed: ${rule.min} to ${rule.max}`)
    return rule.fallback
  }
}
