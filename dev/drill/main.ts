import { stopOnSignals } from '../stack/interrupts.ts'
import { ProcessGroup } from '../stack/process-group.ts'
import { StackError } from '../stack/stack-error.ts'
import { DrillError } from './drill-error.ts'
import { readCommandLine, USAGE, type CommandLine, type DrillOptions } from './options.ts'
import { runDrill } from './run-drill.ts'

// `npm run drill`: the Braze sink against everything that Braze can do to it.

const USAGE_EXIT_CODE = 2

const command = commandOrExit()
if (command.kind === 'help') process.stdout.write(USAGE)
else await run(command.options)

async function run(options: DrillOptions): Promise<void> {
  const group = new ProcessGroup()
  stopOnSignals(() => group.stop())
  // With --json standard output is for a program.
  const stream = options.isJson ? process.stderr : process.stdout
  try {
    const result = await runDrill({ options, group, say: line => void stream.write(`${line}\n`) })
    process.stdout.write(`${JSON.stringify(result)}\n`)
    process.exitCode = result.failed.length === 0 ? 0 : 1
  } catch (error) {
    // After Ctrl-C whatever was under way fails, and nobody wants to know.
    if (!group.isStopping) {
      const isUsage = error instanceof DrillError && error.code === 'DRILL_USAGE'
      process.exitCode = isUsage ? USAGE_EXIT_CODE : 1
      console.error(error instanceof StackError || error instanceof DrillError ? error.message : error)
    }
  } finally {
    await group.stop()
  }
}

function commandOrExit(): CommandLine {
  try {
    return readCommandLine(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof DrillError)) throw error
    console.error(error.message)
    process.exit(USAGE_EXIT_CODE)
  }
}
