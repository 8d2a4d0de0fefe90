import { sources } from '../sources.ts'
import type { Source } from '../sources.ts'

/** Something that Braze does to accepted data without a word: the answer is 201 with no error. */
export interface SilentEffect {
  readonly says: string
  readonly source: Source
}

export type SilentEffectName =
  | 'time-in-future'
  | 'properties-over-256'
  | 'update-only'
  | 'array-trimmed'
  | 'attribute-too-large'
  | 'nested-invalid'
  | 'operator-mismatch'

/** The silent effects, which the state counts by these names: what a sender never hears of, a test must see. */
export const silentEffects: Readonly<Record<SilentEffectName, SilentEffect>> = {
  'time-in-future': {
    says: 'an event or purchase with a time in the future gets the current time',
    source: sources.eventObject,
  },
  'properties-over-256': {
    says: 'of more than 256 properties the first 256 are kept',
    source: sources.eventProperties,
  },
  'update-only': {
    says: 'an object with `_update_existing_only` (for an alias: without it set to false) is ignored when there is no such profile',
    source: sources.attributesObject,
  },
  'array-trimmed': {
    says: 'of an array with more than 500 elements the newest 500 are kept',
    source: sources.dataTypes,
  },
  'attribute-too-large': {
    says: 'an update that makes an array or an object larger than 100 KB is dropped',
    source: sources.arrayOfObjects,
  },
  'nested-invalid': {
    says: 'a nested attribute that holds a null or a malformed `$time` is dropped whole',
    source: sources.track,
  },
  'operator-mismatch': {
    says: 'an increment of something other than a number, or an addition to something other than an array, is dropped',
    source: sources.attributesObject,
  },
}
