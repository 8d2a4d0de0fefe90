import { BrazeError, type BrazeErrorCode } from './errors.ts'
import { retryAfterMs } from './rate-limit-headers.ts'
import { isFields, type Fields } from './rules/rule.ts'
import type { BrazeAnswer } from './braze-client.ts'

/** What an answer says about the objects of its request. */
export type Verdict<E> =
  /** Taken in, all but those that are refused. `unlocated`: errors that do not say which object they mean. */
  | {
      readonly kind: 'taken'
      readonly status: number
      readonly refused: ReadonlyMap<E, string>
      readonly unlocated: readonly string[]
    }
  /** Nothing was taken in; these objects are at fault, the others are to be sent again without them. */
  | { readonly kind: 'refused'; readonly status: number; readonly refused: ReadonlyMap<E, string> }
  /** Nothing was taken in, and nobody says which object is at fault. */
  | { readonly kind: 'unexplained'; readonly status: number; readonly reason: string }
  | { readonly kind: 'rate-limited' }
  | { readonly kind: 'failed'; readonly error: BrazeError }

export interface AnswerContext<E> {
  /** Which object a position in an array of the body as it was sent means. */
  readonly at: (array: string, index: number) => E | undefined
  readonly url: string
  readonly nowMs: number
  readonly redact: (text: string) => string
}

/** Reads an answer of `/users/track` or `/users/delete`. Statuses: https://www.braze.com/docs/api/errors. Only statuses and `errors` count, never a message's text. */
export function readAnswer<E>(answer: BrazeAnswer, context: AnswerContext<E>): Verdict<E> {
  const { status, body } = answer
  if (status >= 200 && status <= 299) return readSuccess(answer, context)
  if (status === 429) return { kind: 'rate-limited' }
  if (status === 413 || status === 400) {
    const { refused, unlocated } = locateErrors(body, context)
    if (status === 400 && refused.size > 0) return { kind: 'refused', status, refused }
    const said = [messageOf(body, context), ...unlocated].filter(text => text !== '')
    return { kind: 'unexplained', status, reason: [`status ${status}`, ...said].join(': ') }
  }
  return { kind: 'failed', error: failureOf(answer, context) }
}

function readSuccess<E>(answer: BrazeAnswer, context: AnswerContext<E>): Verdict<E> {
  const { status, body } = answer
  if (!isFields(body) || (typeof body['message'] !== 'string' && !Number.isInteger(body['deleted']))) {
    // A proxy's or another server's page would look like success, and everything would be lost.
    const message = `${context.url} answered ${status} with a body that is not Braze's; is it the REST endpoint of a Braze instance?`
    return {
      kind: 'failed',
      error: new BrazeError('BRAZE_ANSWER_INVALID', message, { retry: BACKOFF, status }),
    }
  }
  return { kind: 'taken', status, ...locateErrors(body, context) }
}

/** `errors` is a list of `{ type, input_array, index }`; Braze's pages show neither the shape nor that it is always there. */
function locateErrors<E>(
  body: unknown,
  { at, redact }: AnswerContext<E>,
): { readonly refused: ReadonlyMap<E, string>; readonly unlocated: readonly string[] } {
  const errors = isFields(body) && Array.isArray(body['errors']) ? (body['errors'] as readonly unknown[]) : []
  const refused = new Map<E, string>()
  const unlocated: string[] = []
  for (const error of errors) {
    const fields: Fields = isFields(error) ? error : { type: error }
    const { input_array: array, index } = fields
    const type = typeof fields['type'] === 'string' ? redact(fields['type']) : 'no reason given'
    const entry =
      typeof array === 'string' && Number.isInteger(index) ? at(array, index as number) : undefined
    if (entry === undefined) {
      unlocated.push(type)
      continue
    }
    const before = refused.get(entry)
    refused.set(entry, before === undefined ? type : `${before}; ${type}`)
  }
  return { refused, unlocated }
}

const BACKOFF = { kind: 'backoff' } as const

interface Failure {
  readonly code: BrazeErrorCode
  readonly says: string
}

/** After these nothing works until somebody mends it, and then everything does: no object is at fault. */
const SHUT_OUT: Readonly<Record<number, Failure>> = {
  401: {
    code: 'BRAZE_UNAUTHORIZED',
    says: 'does not accept the API key: it is wrong, or of another instance or workspace, or lacks the permission for this endpoint',
  },
  403: {
    code: 'BRAZE_FORBIDDEN',
    says: 'denies access: the plan or the account is inactive, or the key lacks the permission',
  },
  404: { code: 'BRAZE_NOT_FOUND', says: 'does not exist: the URL of the Braze instance is wrong' },
  415: { code: 'BRAZE_UNSUPPORTED_MEDIA_TYPE', says: 'does not take JSON, which no Braze instance does' },
}

function failureOf<E>({ status, headers, body }: BrazeAnswer, context: AnswerContext<E>): BrazeError {
  const { url, nowMs } = context
  const said = messageOf(body, context)
  const suffix = said === '' ? '' : `: ${said}`
  if (status >= 500 || status === 408) {
    const afterMs = retryAfterMs(headers['retry-after'], nowMs)
    const retry = afterMs === undefined || afterMs <= 0 ? BACKOFF : ({ kind: 'after', ms: afterMs } as const)
    return new BrazeError('BRAZE_UNAVAILABLE', `${url} answered ${status}${suffix}`, { retry, status })
  }
  const shutOut = SHUT_OUT[status]
  return shutOut === undefined
    ? new BrazeError('BRAZE_UNEXPECTED_STATUS', `${url} answered ${status}${suffix}`, {
        retry: BACKOFF,
        status,
      })
    : new BrazeError(shutOut.code, `${url} ${shutOut.says} (${status}${suffix})`, { retry: BACKOFF, status })
}

/** Everything that an answer says in words, each once; the words may hold a value that was sent. */
export function wordsIn({ body }: BrazeAnswer, redact: (text: string) => string): readonly string[] {
  if (!isFields(body)) return []
  const errors = Array.isArray(body['errors']) ? (body['errors'] as readonly unknown[]) : []
  const types = errors.map(error => (isFields(error) ? error['type'] : error))
  const words = [...types, body['message']].filter(text => typeof text === 'string' && text !== 'success')
  return [...new Set(words as string[])].map(redact)
}

function messageOf<E>(body: unknown, { redact }: AnswerContext<E>): string {
  return isFields(body) && typeof body['message'] === 'string' ? redact(body['message']) : ''
}
