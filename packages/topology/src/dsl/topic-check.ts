import { checkName, hasMethod, invalid, show } from './options.ts'

/** Whether a caller without types handed over what `streamTopic` or `tableTopic` makes. */
export function checkTopic(where: string, topic: unknown, kinds: readonly string[]): void {
  const allowed = kinds.map(kind => `${kind}Topic()`).join(' or ')
  if (typeof topic !== 'object' || topic === null || Array.isArray(topic)) {
    throw invalid(`${where} takes what ${allowed} makes, not ${show(topic)}`)
  }
  const { kind, name, key, value } = topic as Readonly<Record<string, unknown>>
  if (typeof kind !== 'string' || !kinds.includes(kind)) {
    throw invalid(`${where} takes what ${allowed} makes, not a topic of kind ${show(kind)}`)
  }
  checkName(`${where}, its topic`, name)
  if (!hasMethod(key, 'open') || !hasMethod(value, 'open')) {
    throw invalid(`${where}: the topic ${show(name)} needs a serde for its key and one for its value`)
  }
}
