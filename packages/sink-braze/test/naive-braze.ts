/*
 * A model of Braze's profiles as one would write it down from the pages: every object changes its user's profile, one after
 * the other. It knows nothing of requests, folding or what was sent before.
 */

export type Entry = Readonly<Record<string, unknown>>
export type Profile = Record<string, unknown>

const CONTROL = ['external_id', '_update_existing_only', '_merge_objects']
const isObject = (value: unknown): value is Entry =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function unique(elements: readonly unknown[]): unknown[] {
  return elements.filter((element, index) => elements.lastIndexOf(element) === index)
}

function newValue(before: unknown, update: unknown, isMerged: boolean): unknown {
  if (Array.isArray(update)) return unique(update as unknown[])
  if (!isObject(update)) return update
  if (typeof update['inc'] === 'number') {
    if (before !== undefined && typeof before !== 'number') return before
    return (before ?? 0) + update['inc']
  }
  const elements = (before ?? []) as readonly unknown[]
  if (Array.isArray(update['add'])) {
    return Array.isArray(elements) ? unique([...elements, ...(update['add'] as unknown[])]) : before
  }
  if (Array.isArray(update['remove'])) {
    const removed = update['remove'] as readonly unknown[]
    return Array.isArray(before) ? before.filter(element => !removed.includes(element)) : before
  }
  return isMerged && isObject(before) ? { ...before, ...update } : update
}

/** Braze as it applies requests: attributes before events, in any order what came in different requests at once. */
export class NaiveBraze {
  readonly profiles = new Map<string, Profile>()
  /** Each event, with the attributes that its user had then. */
  readonly events: { readonly user: string; readonly id: unknown; readonly found: Profile }[] = []

  update(object: Entry): void {
    const user = String(object['external_id'])
    const profile = this.profiles.get(user)
    if (profile === undefined && object['_update_existing_only'] === true) return
    const after = { ...profile }
    for (const [name, update] of Object.entries(object)) {
      if (CONTROL.includes(name)) continue
      const value = newValue(after[name], update, object['_merge_objects'] === true)
      if (value === null || value === undefined) delete after[name]
      else after[name] = value
    }
    this.profiles.set(user, after)
  }

  record({ external_id: id, properties }: Entry): void {
    const user = String(id)
    const found = this.profiles.get(user) ?? {}
    this.profiles.set(user, found)
    this.events.push({ user, id: (properties as Entry)['id'], found })
  }

  delete(user: string): void {
    this.profiles.delete(user)
  }
}
