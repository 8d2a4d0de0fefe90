import { relative } from 'node:path'
import { stopOnSignals } from '../../dev/stack/interrupts.ts'
import { StackError } from '../../dev/stack/stack-error.ts'
import { measureAll } from './all.ts'
import { BenchError } from './bench-error.ts'
import { Measurer } from './measurement.ts'
import { listText, readCommandLine, USAGE, type CommandLine, type Measurement } from './options.ts'
import { writeDocument } from './report/document-file.ts'
import { writeResults } from './report/results-file.ts'

// `npm run bench`: the same job on the same records, by Tributary, by Kafka Streams and by hand.

type Measuring = Extract<CommandLine, { readonly kind: 'measure' | 'all' }>

const USAGE_EXIT_CODE = 2

const args = process.argv.slice(2)
const line = commandLineOrExit()
switch (line.kind) {
  case 'help':
    process.stdout.write(USAGE)
    break
  case 'list':
    process.stdout.write(listText())
    break
  case 'report':
    for (const file of await writeDocument()) console.log(`${relative(process.cwd(), file)} is written anew.`)
    break
  case 'measure':
  case 'all':
    await run(line)
}

async function run(command: Measuring): Promise<void> {
  const { isJson } = command.output
  // With --json standard output is for a program.
  const stream = isJson ? process.stderr : process.stdout
  const say = (text: string): void => void stream.write(`${text}\n`)
  const measurer = new Measurer(say)
  stopOnSignals(() => measurer.stop())
  try {
    const summary =
      command.kind === 'all'
        ? await measureAll(measurer, say, command)
        : await one(measurer, say, { measurement: command.measurement, isSaved: command.output.isSaved })
    process.stdout.write(`${JSON.stringify(summary, undefined, isJson ? 0 : 2)}\n`)
  } catch (error) {
    if (measurer.isStopping) return
    process.exitCode = 1
    console.error(error instanceof StackError || error instanceof BenchError ? error.message : error)
  }
}

async function one(
  measurer: Measurer,
  say: (text: string) => void,
  { measurement, isSaved }: { readonly measurement: Measurement; readonly isSaved: boolean },
): Promise<object> {
  const outcome = await measurer.measure(measurement)
  const file = await writeResults(outcome, { measurement, args, isSaved })
  say(`\n${outcome.text}\n`)
  say(`All figures are in ${relative(process.cwd(), file)}.`)
  return outcome.summary
}

function commandLineOrExit(): CommandLine {
  try {
    return readCommandLine(args)
  } catch (error) {
    if (!(error instanceof BenchError)) throw error
    console.error(error.message)
    process.exit(USAGE_EXIT_CODE)
  }
}
