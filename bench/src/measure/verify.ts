import { compatibilityPartitioner } from '@platformatic/kafka'
import avsc from 'avsc'
import { BenchError } from '../bench-error.ts'
import { digestOf, DIGEST_BYTES, type MarketingEvent } from '../job/event.ts'
import { sha256OfDigests, type ExpectedOutput } from '../job/expected.ts'
import { bookingIndex, customerId, customerIndex, type JobSize } from '../job/records.ts'
import { frameId, unframed } from '../job/schemas.ts'

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

  add({ partition, key, value }: OutputRecord): void {
    const read = this.#readers.get(frameId(value))
    if (read === undefined) throw wrong(`a value with schema ${frameId(value)}, which is not the event's`)
    const event = read(unframed(value))
    const keyText = key.toString()
    const booking = bookingIndex(event.properties.bookingId)
    const customer = customerIndex(keyText)
    const at = booking * DIGEST_BYTES
    const { digests } = this.#options.expected
    if (!(booking >= 0 && at < digests.length)) throw wrong(`no such booking: ${event.properties.bookingId}`)
    if (!isZero(this.#seen, at)) throw wrong(`booking ${booking} twice`)
    const digest = digestOf(keyText, event)
    if (digest.compare(digests, at, at + DIGEST_BYTES) !== 0) {
      throw wrong(
        `another record of booking ${booking} than was to be made: ${keyText} ${JSON.stringify(event)}`,
      )
    }
    if (partition !== this.#partitionOfCustomer[customer]) {
      throw wrong(
        `${keyText} on partition ${partition}; Java puts it on ${this.#partitionOfCustomer[customer]}`,
      )
    }
    if (booking < this.#lastOfCustomer[customer]!) {
      throw wrong(`booking ${booking} of ${keyText} behind its booking ${this.#lastOfCustomer[customer]}`)
    }
    this.#lastOfCustomer[customer] = booking
    digest.copy(this.#seen, at)
    this.#count += 1
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
