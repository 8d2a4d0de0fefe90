import type { TopicCodecs } from '../../runtime/task-source.ts'
import type { Codec } from '../../serde/serde.ts'
import { loaded, masked, reasonOf } from '../avro-value.ts'
import { factsOf } from '../dlq/letter.ts'
import { snapshot } from '../json.ts'
import type { StoredRecord } from '../read-topic.ts'
import { bytesText } from '../text.ts'
import type { LoadedTable } from './current-tables.ts'
import { DEAD_LETTERS, type Explainer, type Output, type RecordRun } from './run-record.ts'
import type { StepTrace, TraceEvent } from './tracer.ts'

/** What `--json` prints. */
export interface Explanation {
  readonly record: {
    readonly topic: string
    readonly partition: number
    readonly offset: number
    readonly timestampMs: number
    readonly headers: readonly (readonly [name: string, value: string | null])[]
    readonly key: unknown
    readonly value: unknown
  }
  /** As far as they were needed. Their rows are those of now, not those of when the record was processed. */
  readonly tables: readonly LoadedTable[]
  readonly runs: readonly RecordRun[]
  readonly writes: readonly Write[]
  readonly deadLetters: readonly Letter[]
}

export interface Write {
  readonly topic: string
  readonly partition: number
  readonly timestampMs: number
  readonly key: unknown
  readonly value: unknown
  /** Of the encoded key and value. */
  readonly bytes: number
}

export interface Letter {
  readonly code: string
  readonly step: string
  readonly message: string
}

export async function explain(
  explainer: Explainer,
  topic: string,
  record: StoredRecord,
): Promise<Explanation> {
  const runs = await explainer.run(topic, record)
  const { partition, offset, timestampMs, headers } = record
  const isLetter = (output: Output): boolean => output.topic === DEAD_LETTERS
  const { sources, sinks } = explainer.codecs
  const writes: Write[] = []
  for (const output of explainer.outputs.filter(each => !isLetter(each)))
    writes.push({
      topic: output.topic,
      partition: output.partition,
      timestampMs: output.timestampMs,
      ...(await decoded(sinks.get(output.topic), output)),
      bytes: (output.key?.length ?? 0) + (output.value?.length ?? 0),
    })
  return {
    record: {
      topic,
      partition,
      offset,
      timestampMs,
      headers: headers.map(([name, value]) => [name, value === null ? null : bytesText(value)]),
      ...(await decoded(sources.get(topic), record)),
    },
    tables: explainer.tables.loaded,
    runs,
    writes,
    deadLetters: explainer.outputs.filter(isLetter).map(letter => {
      const { code, step, message } = factsOf({ ...letter, offset: 0 })
      return { code, step, message }
    }),
  }
}

async function decoded(
  codecs: TopicCodecs | undefined,
  { key, value }: Pick<StoredRecord, 'key' | 'value'>,
): Promise<{ readonly key: unknown; readonly value: unknown }> {
  return { key: await part(codecs?.key, key), value: await part(codecs?.value, value) }
}

async function part(codec: Codec<unknown> | undefined, bytes: Buffer | null): Promise<unknown> {
  if (bytes === null) return null
  if (codec === undefined) return bytesText(bytes)
  try {
    return snapshot(await loaded(() => codec.decode(bytes, 0, bytes.length)))
  } catch (error) {
    // The task says the same of it, as a dead letter.
    return { undecodable: reasonOf(error, true), bytes: bytes.length }
  }
}

/** Shapes in place of contents; keys, which places are told by, stay. */
export function maskedExplanation(explanation: Explanation): Explanation {
  const step = (trace: StepTrace): StepTrace => ({
    ...trace,
    value: masked(trace.value),
    events: trace.events.map(maskedEvent),
    next: trace.next.map(step),
  })
  return {
    ...explanation,
    record: { ...explanation.record, value: masked(explanation.record.value) },
    runs: explanation.runs.map(run => ({ ...run, steps: run.steps.map(step) })),
    writes: explanation.writes.map(write => ({ ...write, value: masked(write.value) })),
  }
}

function maskedEvent(event: TraceEvent): TraceEvent {
  if (event.kind === 'row') return { ...event, row: masked(event.row) }
  return event.kind === 'called' ? { ...event, result: masked(event.result) } : event
}
