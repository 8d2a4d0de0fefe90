import type { FastifyInstance } from 'fastify'
import type { CliQueries } from './cli-queries.ts'
import { ConsoleError } from './console-error.ts'
import type { Watcher } from './watch/watcher.ts'

/** Letters that a page lists, and no more can be chosen there; the counts are of all. */
const LISTED = 500

const topic = { type: 'string', minLength: 1, maxLength: 249, pattern: '^[A-Za-z0-9._-]+$' } as const
const offset = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const
const partition = { type: 'integer', minimum: 0, maximum: 1_000_000 } as const

const object = <const P extends object>(properties: P, required: readonly (keyof P)[]) =>
  ({ body: { type: 'object', additionalProperties: false, required, properties } }) as const

const LOOKUP = object(
  {
    topic,
    key: { type: 'string', minLength: 1, maxLength: 10_000 },
    keyType: { enum: ['string', 'int32', 'int64', 'json', 'hex', 'avro'] },
    isUnmasked: { type: 'boolean' },
  },
  ['topic', 'key'],
)
const code = { type: 'string', minLength: 1, maxLength: 200, pattern: '^[A-Za-z0-9_.-]+$' } as const
const LIST = object({ topic, code }, ['topic'])
const SHOW = object({ topic, partition, offset, isUnmasked: { type: 'boolean' } }, [
  'topic',
  'partition',
  'offset',
])
const REPLAY = object(
  {
    topic,
    /** Left out: all that have not been played. */
    letters: {
      type: 'array',
      minItems: 1,
      maxItems: LISTED,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['partition', 'offset'],
        properties: { partition, offset },
      },
    },
    code,
    /** How many the user was told would be played; undefined: only asks how many that are. */
    confirmed: { type: 'integer', minimum: 1 },
  },
  ['topic'],
)

interface LetterPlace {
  readonly partition: number
  readonly offset: number
}
interface Lookup {
  readonly topic: string
  readonly key: string
  readonly keyType?: string
  readonly isUnmasked?: boolean
}
interface ReplayRequest {
  readonly topic: string
  readonly letters?: readonly LetterPlace[]
  readonly code?: string
  readonly confirmed?: number
}

export interface KafkaRoutesParts {
  readonly queries: CliQueries
  readonly watcher: Watcher
  readonly isReplayAllowed: boolean
}

/** What is asked for stands in bodies: a key is often somebody's. */
export function addKafkaRoutes(server: FastifyInstance, parts: KafkaRoutesParts): void {
  const { queries, watcher } = parts
  server.get('/api/history', () => watcher.history())
  server.post<{ Body: Lookup }>('/api/tables/lookup', { schema: LOOKUP }, async ({ body }) => {
    refuseUnknown(watcher.tableTopics(), body.topic)
    const flags = [
      '--json',
      queries.registryFlag(),
      ...(body.isUnmasked === true ? [] : ['--masked']),
      ...(body.keyType === undefined ? [] : [`--key-type=${body.keyType}`]),
    ]
    const { lines } = await queries.run(['tables', 'get'], { flags, operands: [body.topic, body.key] })
    return lines[0]
  })
  server.post<{ Body: { readonly topic: string; readonly code?: string } }>(
    '/api/dead-letters/list',
    { schema: LIST },
    async ({ body }) => {
      refuseUnknown(watcher.deadLetterTopics(), body.topic)
      const flags = [
        '--json',
        `--limit=${LISTED}`,
        ...(body.code === undefined ? [] : [`--code=${body.code}`]),
      ]
      const { lines } = await queries.run(['dlq', 'list'], { flags, operands: [body.topic] })
      return { letters: lines.slice(0, -1).map(withoutPersonal), ...(lines.at(-1) as object) }
    },
  )
  server.post<{ Body: LetterPlace & { readonly topic: string; readonly isUnmasked?: boolean } }>(
    '/api/dead-letters/show',
    { schema: SHOW },
    async ({ body }) => {
      refuseUnknown(watcher.deadLetterTopics(), body.topic)
      const flags = ['--json', queries.registryFlag(), ...(body.isUnmasked === true ? ['--unmasked'] : [])]
      const operands = [body.topic, `${body.partition}@${body.offset}`]
      const { lines } = await queries.run(['dlq', 'show'], { flags, operands })
      return body.isUnmasked === true ? lines[0] : withoutPersonal(lines[0])
    },
  )
  addReplay(server, parts)
}

/** Values are masked by the command. A key may be somebody's, and so may what a message quotes. */
const PERSONAL: ReadonlySet<string> = new Set(['key', 'keyBase64', 'headers', 'message', 'stacktrace'])

function withoutPersonal(letter: unknown): object {
  return Object.fromEntries(Object.entries(letter as object).filter(([name]) => !PERSONAL.has(name)))
}

interface Plan {
  readonly plan: { readonly toPlay: number }
}

/** Asked twice: what would be played, and then to play as many as that. More or fewer than were confirmed play nothing. */
function addReplay(server: FastifyInstance, { queries, watcher, isReplayAllowed }: KafkaRoutesParts): void {
  const playing = new Set<string>()
  server.post<{ Body: ReplayRequest }>('/api/dead-letters/replay', { schema: REPLAY }, async request => {
    const { topic: name, letters = [], code, confirmed } = request.body
    if (!isReplayAllowed)
      throw new ConsoleError(
        'CONSOLE_READ_ONLY',
        'This console was started without CONSOLE_ALLOW_REPLAY=true',
      )
    refuseUnknown(watcher.deadLetterTopics(), name)
    const flags = [
      '--json',
      ...letters.map(letter => `--letter=${letter.partition}@${letter.offset}`),
      ...(code === undefined ? [] : [`--code=${code}`]),
    ]
    const replay = (mode: '--dry-run' | '--yes') =>
      queries.run(['dlq', 'replay'], { flags: [...flags, mode], operands: [name] })
    if (confirmed === undefined) return (await replay('--dry-run')).lines[0]
    if (playing.has(name)) throw new ConsoleError('CONSOLE_BUSY', 'A replay of this topic is under way')
    playing.add(name)
    try {
      const { plan } = (await replay('--dry-run')).lines[0] as Plan
      if (plan.toPlay !== confirmed)
        throw new ConsoleError(
          'CONSOLE_BUSY',
          `${plan.toPlay} would be played now and not ${confirmed}, as was confirmed: nothing was played`,
        )
      const { lines, complaints } = await replay('--yes')
      request.log.info({ topic: name, ...(lines[1] as object) }, 'dead letters were replayed')
      return { ...(lines[1] as object), complaints }
    } finally {
      playing.delete(name)
    }
  })
}

function refuseUnknown(known: readonly string[], name: string): void {
  if (!known.includes(name))
    throw new ConsoleError(
      'CONSOLE_UNKNOWN',
      'The console knows of no such topic here; the pages list those it knows',
    )
}
