import { relative } from 'node:path'
import { StackError } from '../../dev/stack/stack-error.ts'
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
/** Where fewer than usual take as long: 1 KB each, or an API that is asked one call after another. */
const BOOKINGS_OF: Readonly<Record<string, string>> = { large: '300000', enriched: '60000' }
const OTHERS = [
  'tributary',
  'tributary-whole-records',
  'kafka-streams-small-heap',
  'tributary-exactly-once',
  'kafka-streams-exactly-once',
  'kafka-streams-tuned-exactly-once',
  'franz-go',
]
/** With Kafka Streams at the better one of its defaults. */
const OF_A_VARIANT = ['tributary', 'kafka-streams-in-memory']
const OF_THE_ENRICHED = [...OF_A_VARIANT, 'kafka-streams-tuned', 'hand-written']
/** Kafka Streams at its best. */
const OF_LATENCY = ['tributary', 'tributary-low-latency', 'kafka-streams-low-latency']

/** Everything that `docs/performance.md` shows, sized to take about half an hour on two processors. `isQuick`: only to see it run. */
export function allMeasurements(isQuick: boolean): readonly PlannedArguments[] {
  const sized = (usual: readonly string[], quick: readonly string[]): readonly string[] =>
    isQuick ? quick : usual
  const thrice = sized(['--runs', '3'], ['--runs', '1'])
  return [
    [...sized([], ['--records', '20000']), ...thrice],
    ['--only', OTHERS.join(','), '--records', ...sized(['1000000'], ['20000']), ...thrice],
    ...VARIANTS.map(variant => [
      '--variant',
      variant,
      '--only',
      (variant === 'enriched' ? OF_THE_ENRICHED : OF_A_VARIANT).join(','),
      '--records',
      ...sized([BOOKINGS_OF[variant] ?? '600000'], ['20000']),
      ...thrice,
    ]),
    ['latency', '--only', OF_LATENCY.join(','), ...latencySeconds(sized), ...thrice],
    ['tables', ...sized([], ['--rows', '50000']), '--runs', '1'],
    ['growth', '--records', ...sized(['300000'], ['20000', '--rows', '100000']), '--runs', '1'],
  ]
}

function latencySeconds(
  sized: (usual: readonly string[], quick: readonly string[]) => readonly string[],
): readonly string[] {
  return ['--warm-up', ...sized(['15'], ['1']), '--seconds', ...sized(['15'], ['2'])]
}

/**
 * Makes them one after another, and the document anew where they are saved. Resolves with the summaries by name. One that fails
 * does not keep the others from being made.
 * @throws BenchError at the end, naming those that failed
 */
export async function measureAll(
  measurer: Measurer,
  say: (text: string) => void,
  { isQuick, output }: { readonly isQuick: boolean; readonly output: OutputOptions },
): Promise<object> {
  const summaries: Record<string, object> = {}
  const failed: string[] = []
  const startedAt = performance.now()
  const minutes = (): string => `${((performance.now() - startedAt) / 60_000).toFixed(1)} minutes`
  const planned = allMeasurements(isQuick)
  for (const [index, args] of planned.entries()) {
    const command = `npm run bench -- ${args.join(' ')}`
    say(`\n${index + 1} of ${planned.length}, after ${minutes()}: ${command}`)
    try {
      const measurement = measurementOf(args)
      const outcome = await measurer.measure(measurement)
      await writeResults(outcome, { measurement, args, isSaved: output.isSaved })
      say(`\n${outcome.text}`)
      summaries[outcome.name] = outcome.summary
    } catch (error) {
      if (measurer.isStopping || !(error instanceof BenchError || error instanceof StackError)) throw error
      say(error.message)
      failed.push(command)
    }
  }
  say(`\nAll of it took ${minutes()}.`)
  if (output.isSaved) {
    for (const file of await writeDocument()) say(`${relative(process.cwd(), file)} is written anew.`)
  }
  if (failed.length > 0) {
    throw new BenchError('BENCH_CONTESTANT', `Not made: ${failed.join('; ')}. See above for the reasons.`)
  }
  return summaries
}

/** @throws BenchError for arguments that are not a measurement */
export function measurementOf(args: PlannedArguments): Measurement {
  const line = readCommandLine(args)
  if (line.kind === 'measure') return line.measurement
  throw new BenchError('BENCH_USAGE', `'${args.join(' ')}' is not a measurement.`)
}
