import { stopOnSignals } from '../stack/interrupts.ts'
import { ProcessGroup } from '../stack/process-group.ts'
import { StackError } from '../stack/stack-error.ts'
import { DemoError } from './demo-error.ts'
import { readCommandLine, USAGE, type CommandLine } from './options.ts'
import { runDemo } from './run-demo.ts'

// `npm run demo`: the main job on real servers, from domain events to Braze, and whether all of it has arrived.

const USAGE_EXIT_CODE = 2

const command = commandOrExit()
if (command.kind === 'help') process.stdout.write(USAGE)
else await run(command)

async function run({ options }: Extract<CommandLine, { kind: 'run' }>): Promise<void> {
  const group = new ProcessGroup()
  stopOnSignals(() => group.stop())
  try {
    // With --json standard output is for a program.
    const stream = options.isJson ? process.stderr : process.stdout
    const { figures, isCorrect, failure } = await runDemo({ options, group, stream })
    if (options.isJson) process.stdout.write(`${JSON.stringify(figures)}\n`)
    process.exitCode = isCorrect ? 0 : 1
    if (options.isKept) await failure
  } catch (error) {
    // After Ctrl-C whatever was under way fails, and nobody wants to know.
    if (!group.isStopping) {
      process.exitCode = 1
      console.error(error instanceof StackError || error instanceof DemoError ? error.message : error)
    }
  } finally {
    await group.stop()
  }
}

function commandOrExit(): CommandLine {
  try {
    return readCommandLine(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof DemoError)) throw error
    console.error(error.message)
    process.exit(USAGE_EXIT_CODE)
  }
}
