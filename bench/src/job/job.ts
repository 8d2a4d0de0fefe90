import { startPlacesApi } from '../contestants/places-api.ts'
import type { Ground } from '../ground.ts'
import { expectedOutput, type ExpectedOutput } from './expected.ts'
import { inputTopics, publishInputs, type InputTopics } from './publish.ts'
import type { JobRecords } from './records.ts'

/** Its input is in Kafka; what has to come of it is known. */
export interface Job {
  readonly records: JobRecords
  readonly inputs: InputTopics
  readonly expected: ExpectedOutput
  /** Of the API of the variant `enriched`; empty otherwise. */
  readonly apiUrl: string
}

/** `prefix` begins the names of its input topics. */
export async function prepareJob(
  ground: Ground,
  records: JobRecords,
  { prefix, say }: { readonly prefix: string; readonly say: (line: string) => void },
): Promise<Job> {
  const startedAt = performance.now()
  const inputs = inputTopics(prefix, records.variant)
  await publishInputs(ground, records, inputs)
  const expected = expectedOutput(records)
  const apiUrl = records.variant.steps === 'enriched' ? await startPlacesApi(ground) : ''
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  say(
    `${records.size.bookings} bookings published and recomputed in ${seconds} s; ${expected.count} outputs, SHA-256 ${expected.sha256.slice(0, 12)}.`,
  )
  return { records, inputs, expected, apiUrl }
}
