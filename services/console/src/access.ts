import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { systemClock, type Clock } from '@tributary/topology'
import { ConsoleError } from './console-error.ts'

const COOKIE = 'tributary_console'
/** A shift and a bit. */
const SESSION_MS = 12 * 3_600_000
const MAX_SESSIONS = 1_000

const SESSION_SCHEMA = {
  body: {
    type: 'object',
    additionalProperties: false,
    required: ['token'],
    properties: { token: { type: 'string', minLength: 1, maxLength: 512 } },
  },
} as const

/**
 * Who may come in: whoever sends the token as a bearer, or has a session, which the token opens. A session is a random
 * number in a cookie that scripts do not see and that no other site's request carries. Kept as hashes, so that looking one
 * up takes no time that depends on the secret.
 */
export class Access {
  readonly #tokenHash: Buffer
  readonly #clock: Clock
  /** When each ends, by its hash. */
  readonly #sessions = new Map<string, number>()

  constructor(token: string, clock: Clock = systemClock) {
    this.#tokenHash = hashOf(token)
    this.#clock = clock
  }

  /** In a time that does not depend on where the two differ: hashes are compared, which have one length. */
  isToken(candidate: string): boolean {
    return timingSafeEqual(hashOf(candidate), this.#tokenHash)
  }

  isAllowed(request: FastifyRequest): boolean {
    const bearer = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1]
    if (bearer !== undefined) return this.isToken(bearer)
    const session = sessionIn(request)
    if (session === undefined) return false
    const endsAtMs = this.#sessions.get(hashOf(session).toString('hex'))
    return endsAtMs !== undefined && endsAtMs > this.#clock.now()
  }

  /** Answers the cookie. */
  open(): string {
    const nowMs = this.#clock.now()
    for (const [hash, endsAtMs] of this.#sessions)
      if (endsAtMs <= nowMs || this.#sessions.size >= MAX_SESSIONS) this.#sessions.delete(hash)
    const session = randomBytes(32).toString('base64url')
    this.#sessions.set(hashOf(session).toString('hex'), nowMs + SESSION_MS)
    return cookieOf(session, SESSION_MS / 1_000)
  }

  /** Answers the cookie that removes it. */
  close(request: FastifyRequest): string {
    const session = sessionIn(request)
    if (session !== undefined) this.#sessions.delete(hashOf(session).toString('hex'))
    return cookieOf('', 0)
  }
}

/** Guards everything below `/api/`, and has the routes that open and close a session. */
export function addAccess(server: FastifyInstance, access: Access): void {
  server.addHook('onRequest', (request, reply, done) => {
    // By the route that was found, not by the text of the path, which can be written in many ways.
    const route = request.routeOptions.url
    if (route === undefined || !route.startsWith('/api/')) {
      done()
      return
    }
    void reply.header('cache-control', 'no-store')
    if (isForeign(request))
      done(new ConsoleError('CONSOLE_FOREIGN_PAGE', 'Pages of other origins are not answered'))
    else if (route !== '/api/session' && !access.isAllowed(request))
      done(new ConsoleError('CONSOLE_NOT_ALLOWED', 'The token is needed'))
    else done()
  })
  server.get('/api/session', (request, reply) =>
    reply.code(access.isAllowed(request) ? 200 : 401).send({ isOpen: access.isAllowed(request) }),
  )
  server.post<{ Body: { readonly token: string } }>(
    '/api/session',
    { schema: SESSION_SCHEMA },
    (request, reply) => {
      if (!access.isToken(request.body.token)) {
        request.log.warn({ from: request.ip }, 'a wrong token was given')
        throw new ConsoleError('CONSOLE_NOT_ALLOWED', 'This is not the token')
      }
      return sent(reply.header('set-cookie', access.open()))
    },
  )
  server.delete('/api/session', (request, reply) => sent(reply.header('set-cookie', access.close(request))))
}

function sent(reply: FastifyReply): FastifyReply {
  return reply.code(204).send()
}

/**
 * Whether a page of another origin asks. Browsers say so in headers that scripts cannot set: Sec-Fetch-Site with every
 * request to a trustworthy address, Origin with every one that may change something. Programs that are no browsers send
 * neither, and have no cookie that somebody else could make them send.
 */
export function isForeign(request: FastifyRequest): boolean {
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true
  const { origin, host } = request.headers
  if (origin !== undefined) return URL.parse(origin)?.host !== host || !/^https?:/.test(origin)
  const isWrite = request.method !== 'GET' && request.method !== 'HEAD'
  return isWrite && site === undefined && sessionIn(request) !== undefined
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function sessionIn(request: FastifyRequest): string | undefined {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [name, value] = part.trim().split('=')
    if (name === COOKIE && value !== undefined && value !== '') return value
  }
  return undefined
}

function cookieOf(value: string, maxAgeSeconds: number): string {
  return `${COOKIE}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict`
}
