import type { Contestant } from './contestant.ts'
import { franzGo } from './franz-go.ts'
import { kafkaStreams } from './kafka-streams.ts'
import { handWritten, tributary } from './node-programs.ts'

/** Those whose figures `--json` prints. */
export const USUAL_CONTESTANTS: readonly string[] = [
  'tributary',
  'kafka-streams',
  'kafka-streams-in-memory',
  'kafka-streams-tuned',
  'tributary-tuned',
  'tributary-two-processes',
  'hand-written',
]

/** As docs/operations.md has it: full collections begin when there is something to collect. */
const TUNED = ['--initial-old-space-size=256']

const byDefault = tributary('tributary', 'Tributary, default')

/** Whose growth is measured. */
export const GROWING_CONTESTANT: Contestant = byDefault

/** In the order in which they take their turns. */
export const CONTESTANTS: readonly Contestant[] = [
  byDefault,
  kafkaStreams('kafka-streams', 'Kafka Streams, default (RocksDB, 1 thread)', { options: [] }),
  kafkaStreams('kafka-streams-in-memory', 'Kafka Streams, in-memory, 1 thread', { options: ['in-memory'] }),
  kafkaStreams('kafka-streams-tuned', 'Kafka Streams, tuned, in-memory, 2 threads', {
    options: ['in-memory', 'tuned', 'threads=2'],
  }),
  kafkaStreams('kafka-streams-small-heap', 'Kafka Streams, in-memory, 1 thread, heap of 400 MiB', {
    options: ['in-memory'],
    jvm: ['-Xmx400m'],
  }),
  tributary('tributary-exactly-once', 'Tributary, exactly-once', { guarantee: 'exactly-once' }),
  kafkaStreams('kafka-streams-exactly-once', 'Kafka Streams, exactly-once, in-memory, 1 thread', {
    guarantee: 'exactly-once',
    options: ['in-memory'],
  }),
  kafkaStreams('kafka-streams-tuned-exactly-once', 'Kafka Streams, exactly-once, tuned, 2 threads', {
    guarantee: 'exactly-once',
    options: ['in-memory', 'tuned', 'threads=2'],
  }),
  tributary('tributary-whole-records', 'Tributary, every field of a record decoded', { readsWhole: true }),
  tributary('tributary-tuned', 'Tributary, tuned: fewer full collections', { flags: TUNED }),
  tributary('tributary-two-processes', 'Tributary, tuned, two processes', { processes: 2, flags: TUNED }),
  handWritten,
  franzGo,
]

/** Whose latency is measured. */
export const LATENCY_CONTESTANTS: readonly Contestant[] = [
  tributary('tributary', 'Tributary, default (linger 5 ms)'),
  tributary('tributary-low-latency', 'Tributary, linger 0', { lingerMs: 0 }),
  kafkaStreams('kafka-streams', 'Kafka Streams, default but in-memory', { options: ['in-memory'] }),
  kafkaStreams('kafka-streams-low-latency', 'Kafka Streams, in-memory, linger 0, no task idling', {
    options: ['in-memory', 'low-latency'],
  }),
  kafkaStreams('kafka-streams-low-latency-2', 'Kafka Streams, the same with 2 threads', {
    options: ['in-memory', 'low-latency', 'threads=2'],
  }),
]
