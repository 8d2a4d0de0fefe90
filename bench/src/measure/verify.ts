import { compatibilityPartitioner } from '@platformatic/kafka'
import avsc from 'avsc'
import { BenchError } from '../bench-error.ts'
import type { MarketingEvent } from '../job/event.ts'
import { DIGEST_BYTES, EventDigests } from '../job/event-digests.ts'
import { sha256OfDigests, type ExpectedOutput } from '../job/expected.ts'
import { bookingIndex, customerId, customerIndex, type JobSize } from '../job/records.ts'
import { frameId, unframed } from '../job/schemas.ts'

/** In a right event, whose name always has the same length. */
const EXTERNAL_ID_AT = 1 + 'booking_completed'.length + 1
const BOOKING_ID = 'booking-'

export interface OutputRecord {
  readonly partition: number
  readonly key: Buffer
  readonly value: Buffer
}

export interface VerifierOptions {
  readonly expected: ExpectedOutput
  readonly size: JobSize
  readonly partitions: number
  /** JSON by the id in a record's frame. */
  readonly writerSchemas: ReadonlyMap<number, string>
  /** JSON of what the job says it writes. */
  readonly schema: string
}

/**
 * Holds an output against what it should be: each record right, on the partition that Java's murmur2 gives, in the order of
 * its key, once. `add` throws BENCH_WRONG_OUTPUT at the first that is not; `finish` when some are missing.
 */
export class Verifier {
  readonly #options: VerifierOptions
  readonly #readers = new Map<number, (bytes: Buffer) => MarketingEvent>()
  readonly #ofEvents = new EventDigests()
  readonly #seen: Buffer
  readonly #lastOfCustomer: Int32Array
  readonly #partitionOfCustomer: Int32Array
  #count = 0

  constructor(options: VerifierOptions) {
    this.#options = options
    this.#seen = Buffer.alloc(options.expected.digests.length)
    this.#lastOfCustomer = new Int32Array(options.size.customers).fill(-1)
    this.#partitionOfCustomer = Int32Array.from({ length: options.size.customers }, (_, index) =>
      javaPartition(customerId(index), options.partitions),
    )
    const readerType = avsc.Type.forSchema(JSON.parse(options.schema) as avsc.Schema)
    for (const [id, text] of options.writerSchemas) {
      const resolver = readerType.createResolver(avsc.Type.forSchema(JSON.parse(text) as avsc.Schema))
      this.#readers.set(id, bytes => readerType.fromBuffer(bytes, resolver) as MarketingEvent)
    }
  }

  add(record: OutputRecord): void {
    const { partition, key, value } = record
    const bytes = unframed(value)
    const booking = bookingOf(bytes)
    const customer = customerIndex(key.toString('latin1'))
    const at = booking * DIGEST_BYTES
    const digest = this.#ofEvents.ofBytes(bytes)
    const isExpected =
      this.#readers.has(frameId(value)) &&
      at < this.#seen.length &&
      digest.compare(this.#options.expected.digests, at, at + DIGEST_BYTES) === 0 &&
      key.compare(bytes, EXTERNAL_ID_AT, EXTERNAL_ID_AT + key.length) === 0
    if (!isExpected) throw this.#whatIsWrong(record)
    if (!isZero(this.#seen, at)) throw wrong(`booking ${booking} twice`)
    if (partition !== this.#partitionOfCustomer[customer]) {
      throw wrong(
        `${key.toString()} on partition ${partition}; Java puts it on ${this.#partitionOfCustomer[customer]}`,
      )
    }
    if (booking < this.#lastOfCustomer[customer]!) {
      throw wrong(
        `booking ${booking} of ${key.toString()} behind its booking ${this.#lastOfCustomer[customer]}`,
      )
    }
    this.#lastOfCustomer[customer] = booking
    digest.copy(this.#seen, at)
    this.#count += 1
  }

  #whatIsWrong({ key, value }: OutputRecord): BenchError {
    const read = this.#readers.get(frameId(value))
    if (read === undefined) return wrong(`a value with schema ${frameId(value)}, which is not the event's`)
    const event = read(unframed(value))
    const booking = bookingIndex(event.properties.bookingId)
    if (!(booking * DIGEST_BYTES < this.#seen.length))
      return wrong(`no such booking: ${event.properties.bookingId}`)
    return wrong(
      `another record of booking ${booking} than was to be made: ${key.toString()} ${JSON.stringify(event)}`,
    )
  }

  /** The SHA-256 of the output. */
  finish(): string {
    const { expected } = this.#options
    if (this.#count !== expected.count) throw wrong(`${this.#count} records instead of ${expected.count}`)
    const sha256 = sha256OfDigests(this.#seen)
    if (sha256 !== expected.sha256) throw wrong(`SHA-256 ${sha256} instead of ${expected.sha256}`)
    return sha256
  }
}

/** By the only text in an event that begins like this; NaN without it. Reading the whole event takes three times as long. */
function bookingOf(bytes: Buffer): number {
  const at = bytes.indexOf(BOOKING_ID)
  return at < 0 ? NaN : bookingIndex(bytes.toString('latin1', at, at + 20))
}

/** As the Kafka client computes it, not the library under test. */
function javaPartition(key: string, partitions: number): number {
  const bytes = Buffer.from(key)
  return compatibilityPartitioner({ topic: '', value: bytes }, bytes) % partitions
}

function isZero(bytes: Buffer, at: number): boolean {
  return bytes.readBigInt64LE(at) === 0n && bytes.readBigInt64LE(at + 8) === 0n
}

function wrong(what: string): BenchError {
  return new BenchError('BENCH_WRONG_OUTPUT', `The output is not what it should be: ${what}.`)
}
