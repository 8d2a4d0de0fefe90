import type { Encoded } from './encoding.ts'

/** What was found out about an object: it is asked when the object joins a batch and again when the batch goes, perhaps more than once. */
export interface Notes {
  encoded: Encoded | undefined
  /** `brazeLaneKey`. */
  user: string | undefined
  /** Whose `shaping` it is: what is found depends on the options. */
  shapedBy: object | undefined
  shaping: unknown
}

/** A constructor that returns an object makes it `this` of the class below, whose private field it gets. */
class Given {
  constructor(object: object) {
    // oxlint-disable-next-line no-constructor-return
    return object
  }
}

/**
 * Notes as a private field of the object itself, which nobody else can see. A WeakMap would do, but the collector goes
 * through each of its entries anew in every one of its rounds: with three of them an object cost 3.5 µs more, a tenth of all
 * that is done for it.
 */
class Noted extends Given {
  #notes: Notes = { encoded: undefined, user: undefined, shapedBy: undefined, shaping: undefined }

  static of(object: object): Notes {
    if (#notes in object) return object.#notes
    return new Noted(object).#notes
  }
}

/** A frozen object may have to stay without further fields, private ones included. */
const ofFrozen = new WeakMap<object, Notes>()

/** The object's own: whoever changes the object afterwards is not heard. */
export function notesOf(object: object): Notes {
  if (Object.isExtensible(object)) return Noted.of(object)
  let notes = ofFrozen.get(object)
  if (notes === undefined) {
    notes = { encoded: undefined, user: undefined, shapedBy: undefined, shaping: undefined }
    ofFrozen.set(object, notes)
  }
  return notes
}
