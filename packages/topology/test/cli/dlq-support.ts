import { createHash } from 'node:crypto'
import { runCli } from '../../src/cli/run.ts'
import type { KafkaClient } from '../../src/client/ports.ts'
import type { Clock } from '../../src/clock.ts'
import type { RecordHeaders } from '../../src/record.ts'
import { deadLetterHeaders, type FailedDelivery } from '../../src/runtime/dead-letter.ts'
import { TopologyError, type TopologyErrorCode } from '../../src/errors.ts'

export interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface CliRun {
  readonly connect?: () => KafkaClient
  readonly ask?: (question: string) => Promise<string>
  readonly signal?: AbortSignal
  readonly clock?: Clock
}

export async function tributary(args: readonly string[], run: CliRun = {}): Promise<Outcome> {
  let out = ''
  let err = ''
  const code = await runCli(args, {
    workingDirectory: process.cwd(),
    print: text => void (out += text),
    complain: text => void (err += text),
    ...run,
  })
  return { code, out, err }
}

export interface LetterInput {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly code?: TopologyErrorCode
  readonly step?: string
  readonly message?: string
  readonly headers?: RecordHeaders
  readonly delivery?: FailedDelivery
}

/** The headers of a dead letter as the runtime writes them. */
export function letterHeaders(input: LetterInput): RecordHeaders {
  const { topic, partition, offset, headers = [], step = 'map', message = 'no', delivery } = input
  return deadLetterHeaders({
    topic,
    partition,
    offset,
    headers,
    step,
    timestampMs: 0,
    key: null,
    value: null,
    error: new TopologyError(input.code ?? 'TOPOLOGY_PROCESSING_FAILED', message),
    delivery,
  })
}

/** Bytes that no two seeds share, and that no compression makes small. */
export function noise(seed: string, length: number): Buffer {
  const parts: Buffer[] = []
  for (let i = 0; i * 32 < length; i += 1) parts.push(createHash('sha256').update(`${seed}${i}`).digest())
  return Buffer.concat(parts).subarray(0, length)
}
