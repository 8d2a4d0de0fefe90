import { type Clock, systemClock } from '../clock.ts'
import { TopologyError, type TopologyErrorCode } from '../errors.ts'
import type { Compatibility, RegisteredSchema, SchemaRegistry } from './schema-registry.ts'

export interface HttpSchemaRegistryOptions {
  /** The root of the Confluent API: `http://localhost:8081`, for Apicurio `http://localhost:8081/apis/ccompat/v7`. */
  readonly url: string
  readonly auth?: { readonly username: string; readonly password: string } | { readonly token: string }
  /** For one request, its body included. Default: 10 000. */
  readonly timeoutMs?: number
  readonly clock?: Clock
}

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json'

/** Timers of Node hold no more than 31 bits. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

// Error codes of the Confluent API. A 404 without one of them comes from something that is no registry.
const SUBJECT_NOT_FOUND = 40401
const VERSION_NOT_FOUND = 40402
const SCHEMA_NOT_FOUND = 40403

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

interface Request {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: string
  readonly body?: object
}

/**
 * A registry that speaks Confluent's REST API: Confluent's own, Apicurio's `ccompat`, Karapace, Redpanda. Nothing is tried
 * again here: an outage is TOPOLOGY_REGISTRY_UNAVAILABLE with the advice to back off. Schemas are kept by id, they never
 * change.
 *
 * @example `const registry = new HttpSchemaRegistry({ url: 'http://localhost:8081' })`
 * @throws TOPOLOGY_CONFIG_INVALID for a URL that is none, or a time that is out of range
 */
export class HttpSchemaRegistry implements SchemaRegistry {
  readonly #root: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #timeoutMs: number
  readonly #clock: Clock
  readonly #schemas = new Map<number, Promise<string>>()

  constructor(options: HttpSchemaRegistryOptions) {
    const url = parseUrl(options.url)
    const auth =
      options.auth ??
      (url.username === ''
        ? undefined
        : { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) })
    this.#root = `${url.origin}${url.pathname.replace(/\/+$/, '')}`
    this.#headers = {
      accept: `${CONTENT_TYPE}, application/json`,
      'content-type': CONTENT_TYPE,
      ...(auth === undefined ? {} : { authorization: authorization(auth) }),
    }
    this.#timeoutMs = checkedTimeout(options.timeoutMs ?? 10_000)
    this.#clock = options.clock ?? systemClock
  }

  schemaById(id: number): Promise<string> {
    const known = this.#schemas.get(id)
    if (known !== undefined) return known
    const flight = this.#fetchSchema(id)
    this.#schemas.set(id, flight)
    flight.catch(() => this.#schemas.delete(id))
    return flight
  }

  async #fetchSchema(id: number): Promise<string> {
    const request: Request = { method: 'GET', path: `/schemas/ids/${id}` }
    const answer = await this.#send(request)
    if (isNotFound(answer))
      throw new TopologyError('TOPOLOGY_SCHEMA_UNKNOWN', `The registry at ${this.#root} has no schema ${id}`)
    return schemaText(this.#accept(request, answer), `Schema ${id}`)
  }

  async latest(subject: string): Promise<RegisteredSchema | undefined> {
    const request: Request = { method: 'GET', path: `${subjectPath(subject)}/versions/latest` }
    const answer = await this.#send(request)
    if (isNotFound(answer)) return undefined
    const body = this.#accept(request, answer)
    return {
      id: this.#number(request, body, 'id'),
      schema: schemaText(body, `The latest schema of ${subject}`),
    }
  }

  async idOf(subject: string, schema: string): Promise<number | undefined> {
    // Normalized, so that the order of attributes and white space make no other schema.
    const request: Request = {
      method: 'POST',
      path: `${subjectPath(subject)}?normalize=true`,
      body: { schema },
    }
    const answer = await this.#send(request)
    if (isNotFound(answer)) return undefined
    return this.#number(request, this.#accept(request, answer), 'id')
  }

  async register(subject: string, schema: string): Promise<number> {
    const request: Request = {
      method: 'POST',
      path: `${subjectPath(subject)}/versions?normalize=true`,
      body: { schema },
    }
    return this.#number(request, this.#accept(request, await this.#send(request)), 'id')
  }

  async checkCompatibility(
    subject: string,
    schema: string,
  ): Promise<{ readonly compatible: boolean; readonly messages: readonly string[] }> {
    const request: Request = {
      method: 'POST',
      path: `/compatibility${subjectPath(subject)}/versions/latest?verbose=true`,
      body: { schema },
    }
    const answer = await this.#send(request)
    if (isNotFound(answer)) return { compatible: true, messages: [] }
    const body = this.#accept(request, answer)
    const { is_compatible: compatible, messages, reason } = body
    if (typeof compatible !== 'boolean') throw this.#unexpected(request, body)
    // Confluent sends `messages`, Apicurio one `reason`.
    const said = Array.isArray(messages) ? messages : [reason]
    return { compatible, messages: said.filter(message => typeof message === 'string') }
  }

  /** Sets what a subject's next versions are checked for. The subject need not exist yet. */
  async setCompatibility(subject: string, level: Compatibility): Promise<void> {
    const request: Request = {
      method: 'PUT',
      path: `/config/${encodeURIComponent(subject)}`,
      body: { compatibility: level },
    }
    this.#accept(request, await this.#send(request))
  }

  async #send({ method, path, body }: Request): Promise<Answer> {
    const abort = new AbortController()
    const cancel = this.#clock.schedule(this.#timeoutMs, () => abort.abort())
    try {
      const response = await fetch(`${this.#root}${path}`, {
        method,
        headers: this.#headers,
        body: body === undefined ? null : JSON.stringify(body),
        signal: abort.signal,
      })
      return { status: response.status, body: parseBody(await response.text()) }
    } catch (cause) {
      const reason = abort.signal.aborted ? `no answer within ${this.#timeoutMs} ms` : causeOf(cause)
      throw this.#unavailable(`${method} ${path}: ${reason}`, true, cause)
    } finally {
      cancel()
    }
  }

  #accept(request: Request, { status, body }: Answer): Readonly<Record<string, unknown>> {
    if (status >= 200 && status < 300) return body
    const said = typeof body['message'] === 'string' ? body['message'] : 'no message'
    const what = `${request.method} ${request.path} was answered ${status}: ${said}`
    const code = refusalCode(status)
    if (code !== undefined) throw new TopologyError(code, `The registry at ${this.#root} refused: ${what}`)
    throw this.#unavailable(what, status >= 500 || status === 408 || status === 429)
  }

  #unavailable(what: string, isTransient: boolean, cause?: unknown): TopologyError {
    return new TopologyError(
      'TOPOLOGY_REGISTRY_UNAVAILABLE',
      `The registry at ${this.#root} cannot be used: ${what}`,
      { retry: isTransient ? { kind: 'backoff' } : { kind: 'never' }, cause },
    )
  }

  #unexpected(request: Request, body: object): TopologyError {
    const seen = JSON.stringify(body).slice(0, 200)
    return this.#unavailable(`${request.method} ${request.path} was answered with ${seen}`, false)
  }

  #number(request: Request, body: Readonly<Record<string, unknown>>, key: string): number {
    const value = body[key]
    if (typeof value !== 'number') throw this.#unexpected(request, body)
    return value
  }
}

function parseUrl(text: string): URL {
  const url = URL.parse(text)
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url
  // It may hold a password, so only its beginning is shown.
  const seen = text.includes('@') ? `${text.slice(0, text.indexOf(':') + 1)}…` : text
  throw new TopologyError(
    'TOPOLOGY_CONFIG_INVALID',
    `${JSON.stringify(seen)} is no http or https URL of a schema registry`,
  )
}

function checkedTimeout(timeoutMs: number): number {
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs
  throw new TopologyError(
    'TOPOLOGY_CONFIG_INVALID',
    `timeoutMs of the schema registry is ${timeoutMs}, a whole number from 1 to ${MAX_TIMEOUT_MS} is allowed`,
  )
}

function authorization(auth: NonNullable<HttpSchemaRegistryOptions['auth']>): string {
  if ('token' in auth) return `Bearer ${auth.token}`
  return `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`
}

function subjectPath(subject: string): string {
  return `/subjects/${encodeURIComponent(subject)}`
}

function parseBody(text: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(text)
    if (typeof json === 'object' && json !== null) return json as Readonly<Record<string, unknown>>
  } catch {
    // A proxy answers in HTML; its status says enough.
  }
  return { message: text.slice(0, 200) }
}

function isNotFound({ status, body }: Answer): boolean {
  const code = body['error_code']
  return (
    status === 404 && (code === SUBJECT_NOT_FOUND || code === VERSION_NOT_FOUND || code === SCHEMA_NOT_FOUND)
  )
}

function refusalCode(status: number): TopologyErrorCode | undefined {
  switch (status) {
    case 401:
    case 403:
      return 'TOPOLOGY_AUTHORIZATION_FAILED'
    case 409:
      return 'TOPOLOGY_SCHEMA_INCOMPATIBLE'
    case 422:
      return 'TOPOLOGY_SCHEMA_INVALID'
    default:
      return undefined
  }
}

function schemaText(body: Readonly<Record<string, unknown>>, what: string): string {
  const { schema, schemaType, references } = body
  if (typeof schemaType === 'string' && schemaType !== 'AVRO')
    throw new TopologyError('TOPOLOGY_SCHEMA_INVALID', `${what} is of type ${schemaType}, only AVRO is read`)
  if (Array.isArray(references) && references.length > 0)
    throw new TopologyError(
      'TOPOLOGY_SCHEMA_INVALID',
      `${what} refers to other subjects, which is not supported`,
    )
  if (typeof schema === 'string') return schema
  throw new TopologyError('TOPOLOGY_SCHEMA_INVALID', `${what} came without its text`)
}

/** Node's fetch says "fetch failed"; why stands in the cause. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
