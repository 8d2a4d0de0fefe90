import { relative } from 'node:path'
import { BenchError } from './bench-error.ts'
import type { Measurer } from './measurement.ts'
import { readCommandLine, type Measurement, type OutputOptions } from './options.ts'
import { writeDocument } from './report/document-file.ts'
import { writeResults } from './report/results-file.ts'

/** A measurement as one would start it by hand, so that the document can say how to repeat it. */
export type PlannedArguments = readonly string[]

const VARIANTS = [
  'lz4',
  'zstd',
  'skewed',
  'large',
  'wide',
  'filtered',
  'left-join',
  'enriched',
  'partitions-24',
]
/** Tributary, Kafka Streams at the better one of its defaults, and tuned. */
const OF_A_VARIANT = 'tributary,kafka-streams-in-memory,kafka-streams-tuned'
/** The enriched job goes at the pace of the API: a tenth of the others' bookings is enough. */
const BOOKINGS = { usual: '600000', large: '300000', enriched: '60000' }
const LATENCY = 'tributary,tributary-low-latency,kafka-streams-low-latency'

/** Everything that `docs/performance.md` shows, in less than 25 minutes on two processors. `isQuick`: in about four. */
export function allMeasurements(isQuick: boolean): readonly PlannedArguments[] {
  const bookingsOf = (variant: string): string => {
    if (isQuick) return '20000'
    return variant === 'large' || variant === 'enriched' ? BOOKINGS[variant] : BOOKINGS.usual
  }
  const runs = isQuick ? ['--runs', '1'] : ['--runs', '3']
  return [
    ['--only', 'all', ...(isQuick ? ['--records', '50000'] : []), ...runs],
    ...VARIANTS.map(variant => [
      '--variant',
      variant,
      '--only',
      OF_A_VARIANT,
      '--records',
      bookingsOf(variant),
      ...runs,
    ]),
    [
      'latency',
      '--only',
      LATENCY,
      ...(isQuick ? ['--warm-up', '1', '--seconds', '2'] : ['--seconds', '20']),
      ...runs,
    ],
    ['tables', ...(isQuick ? ['--rows', '100000'] : []), '--runs', '1'],
    [
      'growth',
      ...(isQuick ? ['--records', '20000', '--rows', '100000'] : ['--records', '400000']),
      '--runs',
      '1',
    ],
  ]
}

/** Makes them one after another, and the document anew where they are saved. Resolves with the summaries by name. */
export async function measureAll(
  measurer: Measurer,
  say: (text: string) => void,
  { isQuick, output }: { readonly isQuick: boolean; readonly output: OutputOptions },
): Promise<object> {
  const summaries: Record<string, object> = {}
  const startedAt = performance.now()
  const planned = allMeasurements(isQuick)
  for (const [index, args] of planned.entries()) {
    const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1)
    say(`\n${index + 1} of ${planned.length}, after ${minutes} minutes: npm run bench -- ${args.join(' ')}`)
    const measurement = measurementOf(args)
    const outcome = await measurer.measure(measurement)
    await writeResults(outcome, { measurement, args, isSaved: output.isSaved })
    say(`\n${outcome.text}`)
    summaries[outcome.name] = outcome.summary
  }
  say(`\nAll of it took ${((performance.now() - startedAt) / 60_000).toFixed(1)} minutes.`)
  if (output.isSaved) {
    for (const file of await writeDocument()) say(`${relative(process.cwd(), file)} is written anew.`)
  }
  return summaries
}

/** @throws BenchError for arguments that are not a measurement */
export function measurementOf(args: PlannedArguments): Measurement {
  const line = readCommandLine(args)
  if (line.kind === 'measure') return line.measurement
  throw new BenchError('BENCH_USAGE', `'${args.join(' ')}' is not a measurement.`)
}
