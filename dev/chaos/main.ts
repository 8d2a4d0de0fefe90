import { stopOnSignals } from '../stack/interrupts.ts'
import { ProcessGroup } from '../stack/process-group.ts'
import { StackError } from '../stack/stack-error.ts'
import { ChaosError } from './chaos-error.ts'
import { readCommandLine, USAGE, type ChaosOptions, type CommandLine } from './options.ts'
import { runChaos } from './run-chaos.ts'

// `npm run chaos`: the marketing topology on three brokers while everything around it breaks.

const USAGE_EXIT_CODE = 2

const command = commandOrExit()
if (command.kind === 'help') process.stdout.write(USAGE)
else await run(command.options)

async function run(options: ChaosOptions): Promise<void> {
  const group = new ProcessGroup()
  stopOnSignals(() => group.stop())
  // With --json standard output is for a program.
  const stream = options.isJson ? process.stderr : process.stdout
  const say = (line: string): void => void stream.write(`${line}\n`)
  try {
    const { figures, differences, longestPause, isGood } = await runChaos({ options, group, say })
    for (const difference of differences) say(difference)
    say(`The longest pause: ${longestPause}.`)
    say(isGood ? 'Nothing lost, nothing overtaken, nothing wrong.' : 'This is not as it should be.')
    process.stdout.write(`${JSON.stringify(figures, undefined, options.isJson ? 0 : 2)}\n`)
    process.exitCode = isGood ? 0 : 1
  } catch (error) {
    // After Ctrl-C whatever was under way fails, and nobody wants to know.
    if (!group.isStopping) {
      process.exitCode = 1
      console.error(error instanceof StackError || error instanceof ChaosError ? error.message : error)
    }
  } finally {
    await group.stop()
    // Not left to the event loop: over a socket that a proxy had reset, Node 24.21 was seen to spin without end while it took
    // its environment down (`Environment::CleanupHandles`).
    process.exit()
  }
}

function commandOrExit(): CommandLine {
  try {
    return readCommandLine(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error
    console.error(error.message)
    process.exit(USAGE_EXIT_CODE)
  }
}
