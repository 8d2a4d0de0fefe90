import type { SinkNode, TopicChooser } from '../plan/node.ts'
import type { AnyTopic } from '../topic.ts'
import { functionRule, invalid, nameRule, show, stepOptions, type StepOptionTable } from './options.ts'
import type { StepOptions } from './step-options.ts'
import { checkTopic } from './topic-check.ts'

interface ChoiceSettings {
  readonly name: string | undefined
  readonly choose: TopicChooser
}

const KINDS = ['stream', 'table']
const CHOICE: StepOptionTable<ChoiceSettings> = { name: nameRule, choose: functionRule<TopicChooser>() }

export function sinkDraft(
  where: string,
  target: unknown,
  given: unknown,
): Omit<SinkNode, 'id' | 'name' | 'input'> & { readonly name: string | undefined } {
  if (isListOfTopics(target)) {
    const topics = Object.entries(target)
    if (topics.length === 0) throw invalid(`${where} needs at least one topic to choose from`)
    for (const [name, topic] of topics) checkTopic(`${where}, topic ${show(name)}`, topic, KINDS)
    const { name, choose } = stepOptions<ChoiceSettings>(
      where,
      { table: CHOICE, required: ['choose'] },
      given,
    )
    return { kind: 'sink', name, topics: new Map(topics as [string, AnyTopic][]), choose }
  }
  checkTopic(where, target, KINDS)
  const topic = target as AnyTopic
  const { name } = stepOptions<StepOptions>(where, { table: { name: nameRule } }, given)
  return { kind: 'sink', name, topics: new Map([[topic.name, topic]]), choose: undefined }
}

/** A topic says its kind; whatever else is an object is taken for a list, so that a wrong member is called by its name. */
function isListOfTopics(target: unknown): target is object {
  return (
    typeof target === 'object' &&
    target !== null &&
    !Array.isArray(target) &&
    typeof (target as { readonly kind?: unknown }).kind !== 'string'
  )
}
