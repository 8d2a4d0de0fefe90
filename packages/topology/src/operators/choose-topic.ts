import { TopologyError } from '../errors.ts'
import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { TopicChooser } from '../plan/node.ts'
import { formatTopicPartition, type RecordContext } from '../record.ts'
import { describeValue } from '../serde/describe-value.ts'

const LONGEST_NAME = 100

/** Gives each record to the writer of the topic that the author's function names. */
export function chooseTopic(
  name: string,
  choose: TopicChooser,
  { wiring, writers }: { readonly wiring: TaskWiring; readonly writers: ReadonlyMap<string, RecordHandler> },
): RecordHandler {
  const { context } = wiring
  return (key, value) => {
    wiring.enter(name)
    const chosen = choose(value, key, context)
    const write = writers.get(chosen)
    if (write === undefined) throw notListed(name, chosen, { context, allowed: [...writers.keys()] })
    write(key, value)
  }
}

function notListed(
  name: string,
  chosen: unknown,
  { context, allowed }: { readonly context: RecordContext; readonly allowed: readonly string[] },
): TopologyError {
  const place = `${formatTopicPartition(context.topic, context.partition)}@${context.offset}`
  const what =
    typeof chosen !== 'string'
      ? describeValue(chosen)
      : chosen.length > LONGEST_NAME
        ? `'${chosen.slice(0, LONGEST_NAME)}…'`
        : `'${chosen}'`
  return new TopologyError(
    'TOPOLOGY_CHOICE_INVALID',
    `${name} has chosen ${what} for ${place}, which is none of its topics; allowed: ${allowed.map(topic => `'${topic}'`).join(', ')}`,
  )
}
