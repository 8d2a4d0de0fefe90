import { hash } from 'node:crypto'
import type { MarketingEvent } from './event.ts'
import { FramedWriter, schemaText, unframed } from './schemas.ts'

export const DIGEST_BYTES = 16

/** Of values as Avro writes them with the event's schema, which leaves no choice: equal for equal events only. */
export class EventDigests {
  readonly #writer = new FramedWriter(schemaText('marketing-event'), 0)

  of(event: MarketingEvent): Buffer {
    return this.ofBytes(unframed(this.#writer.write(event)))
  }

  /** Of a value without its frame. */
  ofBytes(bytes: Buffer): Buffer {
    return hash('md5', bytes, 'buffer')
  }
}
