import { relative } from 'node:path'
import { stopOnSignals } from '../../dev/stack/interrupts.ts'
import { newLogDirectory } from '../../dev/stack/log-directory.ts'
import { ProcessGroup } from '../../dev/stack/process-group.ts'
import { StackError } from '../../dev/stack/stack-error.ts'
import { BenchError } from './bench-error.ts'
import { runLatency } from './latency/run-latency.ts'
import { latencyTable, summarizeLatency } from './latency/summary.ts'
import { listText, readCommandLine, USAGE, type CommandLine } from './options.ts'
import { writeResults } from './report/results-file.ts'
import { summarize } from './report/summary.ts'
import { resultTable } from './report/table.ts'
import { runBench, type BenchRun } from './run-bench.ts'
import { runTables } from './tables/run-tables.ts'
import { summarizeTables, tablesTable } from './tables/summary.ts'

// `npm run bench`: the same job on the same records, by Tributary, by Kafka Streams and by hand.

type Measurement = Exclude<CommandLine, { readonly kind: 'help' | 'list' }>

const USAGE_EXIT_CODE = 2

const line = commandLineOrExit()
if (line.kind === 'help') process.stdout.write(USAGE)
else if (line.kind === 'list') process.stdout.write(listText())
else await run(line)

async function run(command: Measurement): Promise<void> {
  const group = new ProcessGroup()
  stopOnSignals(() => group.stop())
  const { isJson } = command.options
  // With --json standard output is for a program.
  const stream = isJson ? process.stderr : process.stdout
  const say = (text: string): void => void stream.write(`${text}\n`)
  try {
    const logDirectory = await newLogDirectory('bench')
    say(`Logs are in ${relative(process.cwd(), logDirectory)}.`)
    const { name, summary, details, text } = await measure(command, { group, logDirectory, say })
    const file = await writeResults(name, { options: optionsForFile(command), summary, ...details })
    say(`\n${text}\n`)
    say(`All figures are in ${relative(process.cwd(), file)}.`)
    process.stdout.write(`${JSON.stringify(summary, undefined, isJson ? 0 : 2)}\n`)
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

interface Outcome {
  /** Of the results file. */
  readonly name: string
  readonly summary: object
  readonly details: object
  /** For the terminal. */
  readonly text: string
}

async function measure(command: Measurement, run: BenchRun): Promise<Outcome> {
  switch (command.kind) {
    case 'compare': {
      const { options } = command
      const runs = await runBench(run, options)
      const summary = summarize(options.size.bookings, runs)
      return {
        name: options.variant.name,
        summary,
        details: { runs },
        text: resultTable(runs, options.contestants),
      }
    }
    case 'latency': {
      const runs = await runLatency(run, command.options)
      const summary = summarizeLatency(runs)
      return {
        name: 'latency',
        summary,
        details: { runs },
        text: latencyTable(summary, command.options.contestants),
      }
    }
    case 'tables': {
      const runs = await runTables(run, command.options)
      const summary = summarizeTables(runs)
      return { name: 'tables', summary, details: { runs }, text: tablesTable(summary) }
    }
  }
}

/** Without what is only code: contestants by their names. */
function optionsForFile({ options }: Measurement): object {
  if (!('contestants' in options)) return options
  return { ...options, contestants: options.contestants.map(({ name, title }) => ({ name, title })) }
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
