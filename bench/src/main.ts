import { relative } from 'node:path'
import { stopOnSignals } from '../../dev/stack/interrupts.ts'
import { newLogDirectory } from '../../dev/stack/log-directory.ts'
import { ProcessGroup } from '../../dev/stack/process-group.ts'
import { StackError } from '../../dev/stack/stack-error.ts'
import { BenchError } from './bench-error.ts'
import { listText, readCommandLine, USAGE, type BenchOptions, type CommandLine } from './options.ts'
import { writeResults } from './report/results-file.ts'
import { summarize } from './report/summary.ts'
import { resultTable } from './report/table.ts'
import { runBench } from './run-bench.ts'

// `npm run bench`: the same job on the same records, by Tributary, by Kafka Streams and by hand.

const USAGE_EXIT_CODE = 2

const line = commandLineOrExit()
if (line.kind === 'help') process.stdout.write(USAGE)
else if (line.kind === 'list') process.stdout.write(listText())
else await run(line.options)

async function run(options: BenchOptions): Promise<void> {
  const group = new ProcessGroup()
  stopOnSignals(() => group.stop())
  // With --json standard output is for a program.
  const stream = options.isJson ? process.stderr : process.stdout
  const say = (text: string): void => void stream.write(`${text}\n`)
  try {
    await compare(group, options, say)
  } catch (error) {
    // After Ctrl-C whatever was under way fails, and nobody wants to know.
    if (!group.isStopping) {
      process.exitCode = 1
      console.error(error instanceof StackError || error instanceof BenchError ? error.message : error)
    }
  } finally {
    await group.stop()
  }
}

async function compare(
  group: ProcessGroup,
  options: BenchOptions,
  say: (text: string) => void,
): Promise<void> {
  const logDirectory = await newLogDirectory('bench')
  say(`Logs are in ${relative(process.cwd(), logDirectory)}.`)
  const runs = await runBench({ group, logDirectory, say }, options)
  const summary = summarize(options.size.bookings, runs)
  const file = await writeResults(options.variant.name, {
    variant: options.variant,
    size: options.size,
    seed: options.seed,
    summary,
    runs,
  })
  say(`\n${resultTable(runs, options.contestants)}\n`)
  say(`All figures are in ${relative(process.cwd(), file)}.`)
  process.stdout.write(`${JSON.stringify(summary, undefined, options.isJson ? 0 : 2)}\n`)
}

function commandLineOrExit(): CommandLine {
  try {
    return readCommandLine(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof BenchError)) throw error
    console.error(error.message)
    process.exit(USAGE_EXIT_CODE)
  }
}
