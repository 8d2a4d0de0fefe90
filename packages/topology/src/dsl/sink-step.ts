import type { SinkNode, TopicExtractor } from '../plan/node.ts'
import type { Serde } from '../serde/serde.ts'
import type { AnyTopic } from '../topic.ts'
import { nameRule, serdeRule, stepOptions } from './options.ts'
import type { StepOptions } from './step-options.ts'
import { checkTopic } from './topic-check.ts'

interface DynamicSettings {
  readonly name: string | undefined
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
}

/** Where a topic is chosen per record, this stands for its name in the plan. */
const CHOSEN_PER_RECORD = '(chosen per record)'

export function sinkDraft(
  where: string,
  target: unknown,
  given: unknown,
): Omit<SinkNode, 'id' | 'name' | 'input'> & { readonly name: string | undefined } {
  if (typeof target === 'function') {
    const table = { name: nameRule, key: serdeRule(), value: serdeRule() }
    const { name, key, value } = stepOptions<DynamicSettings>(
      where,
      { table, required: ['key', 'value'] },
      given,
    )
    return {
      kind: 'sink',
      name,
      topic: { kind: 'stream', name: CHOSEN_PER_RECORD, key, value },
      topicExtractor: target as TopicExtractor,
    }
  }
  checkTopic(where, target, ['stream', 'table'])
  const { name } = stepOptions<StepOptions>(where, { table: { name: nameRule } }, given)
  return { kind: 'sink', name, topic: target as AnyTopic, topicExtractor: undefined }
}
