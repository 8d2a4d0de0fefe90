import { ALL_KINDS, isFields, isGiven, sources, type BrazeRule } from './rule.ts'

const PRIMARY = ['external_id', 'user_alias', 'braze_id']
const SECONDARY = ['email', 'phone']
const MAX_EXTERNAL_ID_BYTES = 987
// Deliberately loose: Braze's own check is not described, and a mail server has the last word anyway.
const EMAIL = /^[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+$/

export const identityRules: readonly BrazeRule[] = [
  {
    id: 'identity-required',
    appliesTo: ALL_KINDS,
    source: sources.track,
    otherwise: 'refused',
    problem: object => {
      if ([...PRIMARY, ...SECONDARY].some(field => isGiven(object[field]))) return undefined
      if (object['push_token_import'] === true) return undefined
      return `it has none of ${[...PRIMARY, ...SECONDARY].join(', ')}`
    },
  },
  {
    id: 'identity-one-primary',
    appliesTo: ALL_KINDS,
    source: sources.track,
    otherwise: 'refused',
    problem: object => {
      const given = PRIMARY.filter(field => isGiven(object[field]))
      return given.length > 1 ? `it has ${given.join(' and ')}; only one of them is allowed` : undefined
    },
  },
  {
    id: 'identifier-text',
    appliesTo: ALL_KINDS,
    source: sources.eventObject,
    otherwise: 'limit',
    problem: object => {
      const field = ['external_id', 'braze_id', 'phone'].find(
        name => isGiven(object[name]) && typeof object[name] !== 'string',
      )
      return field === undefined ? undefined : `${field} is no text`
    },
  },
  {
    id: 'external-id-length',
    appliesTo: ALL_KINDS,
    source: sources.track,
    otherwise: 'refused',
    problem: ({ external_id: id }) => {
      const bytes = typeof id === 'string' ? Buffer.byteLength(id) : 0
      return bytes > MAX_EXTERNAL_ID_BYTES
        ? `external_id has ${bytes} bytes; at most ${MAX_EXTERNAL_ID_BYTES} are allowed`
        : undefined
    },
  },
  {
    id: 'user-alias-shape',
    appliesTo: ALL_KINDS,
    source: sources.aliasObject,
    otherwise: 'limit',
    problem: ({ user_alias: alias }) => {
      if (!isGiven(alias)) return undefined
      const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
      return isFields(alias) && isText(alias['alias_name']) && isText(alias['alias_label'])
        ? undefined
        : 'user_alias must hold the texts alias_name and alias_label'
    },
  },
  {
    id: 'email-format',
    appliesTo: ALL_KINDS,
    source: sources.track,
    otherwise: 'refused',
    problem: ({ email }) =>
      !isGiven(email) || (typeof email === 'string' && EMAIL.test(email)) ? undefined : 'email is no address',
  },
]
