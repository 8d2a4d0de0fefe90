import { customerEvents } from '@tributary/marketing-events'
import type { DemoData } from '../data/demo-data.ts'
import { generateMalformed } from '../data/malformed.ts'
import type { DemoOptions } from '../options.ts'
import { rawMessage, toMessage, type Message } from './publish.ts'
import type { TopicCodecs } from './schemas.ts'

/** The domain events in their order, with the malformed records among them. */
export function inputMessages(
  data: DemoData,
  codecs: TopicCodecs,
  { seed, malformed }: Pick<DemoOptions, 'seed' | 'malformed'>,
): readonly Message[] {
  const topic = customerEvents.name
  const wellFormed = data.events.map(event =>
    toMessage(topic, codecs, { key: event.value.customerId, value: event }),
  )
  const { customers } = data
  const faulty = generateMalformed({
    seed,
    count: malformed,
    events: wellFormed.length,
    customers,
    sample: wellFormed[0]!.value,
  })
  const messages: Message[] = []
  let next = 0
  for (const [index, message] of wellFormed.entries()) {
    for (; next < faulty.length && faulty[next]!.behind <= index; next += 1) {
      messages.push(rawMessage(topic, Buffer.from(faulty[next]!.key), faulty[next]!.value))
    }
    messages.push(message)
  }
  for (const { key, value } of faulty.slice(next)) messages.push(rawMessage(topic, Buffer.from(key), value))
  return messages
}
