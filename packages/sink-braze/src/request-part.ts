import { FoldedAttributes } from './fold.ts'
import { NOBODY, type BrazeObject } from './objects.ts'
import type { Fields } from './rules/rule.ts'

/** `counts`: as an object of its own. `merges`: into an object that is there. `waits`: it belongs in a later request. */
export type Placing = 'counts' | 'merges' | 'waits'

/**
 * One user's objects in one request. Braze applies a request's attributes before its events, and does not say in which order
 * it applies two attributes objects of one user. So there is at most one of them, and what changes attributes after an event
 * waits for a later request: the event must find the attributes as they were.
 */
export class RequestPart {
  readonly #user: string
  #attributes: FoldedAttributes | undefined
  #hasOccurrence = false
  #isClosed = false

  constructor(user: string) {
    this.#user = user
  }

  /** The attributes of all objects that were placed, folded; undefined when there are none. */
  get attributes(): Fields | undefined {
    return this.#attributes?.toObject()
  }

  place(braze: BrazeObject): Placing {
    // Whoever cannot be named has no order, and nothing to fold into.
    if (this.#user === NOBODY) return 'counts'
    if (this.#isClosed) return 'waits'
    switch (braze.kind) {
      case 'event':
      case 'purchase':
        this.#hasOccurrence = true
        return 'counts'
      case 'tombstone':
        if (this.#hasOccurrence || this.#attributes !== undefined) return 'waits'
        this.#isClosed = true
        return 'counts'
      case 'attributes':
        return this.#placeAttributes(braze.object)
    }
  }

  #placeAttributes(object: Fields): Placing {
    if (this.#hasOccurrence) return 'waits'
    if (this.#attributes === undefined) {
      this.#attributes = new FoldedAttributes(object)
      return 'counts'
    }
    return this.#attributes.add(object) ? 'merges' : 'waits'
  }
}
