import { sources } from '../sources.ts'
import type { Source } from '../sources.ts'

/** One reason for which a request is refused whole. */
export interface Refusal {
  readonly id: string
  readonly status: number
  readonly message: string
  readonly source: Source
  readonly wording: 'documented' | 'observed' | 'own'
}

export type RefusalName =
  | 'unauthorized'
  | 'trailingSlash'
  | 'notFound'
  | 'contentType'
  | 'bodyTooLarge'
  | 'badSyntax'
  | 'tooManyObjects'
  | 'nothingValid'
  | 'rateLimited'
  | 'deleteLists'
  | 'deleteNobody'
  | 'deleteTooMany'

/** Every whole-request answer other than success, by name. */
export const refusals: Readonly<Record<RefusalName, Refusal>> = {
  unauthorized: {
    id: 'unauthorized',
    status: 401,
    message: 'Invalid API key',
    source: sources.errors,
    wording: 'documented',
  },
  trailingSlash: {
    id: 'trailing-slash',
    status: 403,
    message: 'Access Denied',
    source: sources.errors,
    wording: 'documented',
  },
  notFound: {
    id: 'not-found',
    status: 404,
    message: 'Invalid URL',
    source: sources.errors,
    wording: 'documented',
  },
  contentType: {
    id: 'content-type',
    status: 415,
    message: 'Unsupported Media Type',
    source: sources.errors,
    wording: 'documented',
  },
  bodyTooLarge: {
    id: 'body-too-large',
    status: 413,
    message: 'Request Entity Too Large',
    source: sources.userData,
    wording: 'documented',
  },
  badSyntax: {
    id: 'bad-syntax',
    status: 400,
    message: 'Bad Request',
    source: sources.errors,
    wording: 'documented',
  },
  tooManyObjects: {
    id: 'too-many-objects',
    status: 400,
    message: 'Max Input Length Exceeded',
    source: sources.errors,
    wording: 'documented',
  },
  nothingValid: {
    id: 'nothing-valid',
    status: 400,
    message: "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields.",
    source: sources.observed,
    wording: 'observed',
  },
  rateLimited: {
    id: 'rate-limited',
    status: 429,
    // Braze does not document the text: clients must not look at it.
    message: 'Rate Limited',
    source: sources.errors,
    wording: 'documented',
  },
  deleteLists: {
    id: 'delete-lists',
    status: 400,
    message: 'Only one list of identifiers is allowed',
    source: sources.userDelete,
    wording: 'own',
  },
  deleteNobody: {
    id: 'delete-nobody',
    status: 400,
    message: 'No users to delete were given',
    source: sources.userDelete,
    wording: 'own',
  },
  deleteTooMany: {
    id: 'delete-too-many',
    status: 400,
    message: 'At most 50 users can be deleted at a time',
    source: sources.userDelete,
    wording: 'own',
  },
}
