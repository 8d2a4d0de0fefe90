import { relative } from 'node:path'
import { stopOnSignals } from './stack/interrupts.ts'
import { newLogDirectory } from './stack/log-directory.ts'
import { ProcessGroup } from './stack/process-group.ts'
import {
  isUp,
  readRecordedStack,
  stopRecordedStack,
  writeRecordedStack,
  type RecordedStack,
} from './stack/recorded-stack.ts'
import { StackError } from './stack/stack-error.ts'
import { stackEnvironment, startStack, type StackProgress } from './stack/stack.ts'

// `npm run dev:up`: starts the local stack and leaves it running; `npm run dev:down` stops it.

const group = new ProcessGroup()
stopOnSignals(() => group.stop())

try {
  const recorded = await readRecordedStack()
  if (recorded !== undefined && isUp(recorded.record)) {
    console.log('The local stack is already up; `npm run dev:down` stops it.')
    printAddresses(recorded)
  } else {
    if (recorded !== undefined) {
      console.log(
        'Parts of an earlier local stack have ended; the rest is stopped before a new one is started.',
      )
      await stopRecordedStack(recorded)
    }
    const stack = await startStack({
      group,
      ports: 'usual',
      logDirectory: await newLogDirectory('dev'),
      outlivesParent: true,
      onProgress: printProgress,
    })
    await writeRecordedStack(stack)
    console.log('The local stack is up; `npm run dev:down` stops it.')
    printAddresses(stack)
  }
} catch (error) {
  if (!(error instanceof StackError)) throw error
  if (error.code !== 'STACK_STOPPED') console.error(error.message)
  process.exitCode = 1
}

function printProgress(progress: StackProgress): void {
  if (progress.kind === 'fetching')
    console.log(`fetching ${progress.part}, which takes a while the first time …`)
  else console.log(`${progress.part} is ready (${progress.seconds.toFixed(1)} s)`)
}

function printAddresses(stack: RecordedStack): void {
  for (const [name, value] of Object.entries(stackEnvironment(stack))) {
    console.log(`export ${name}='${value.replaceAll("'", "'\\''")}'`)
  }
  for (const [part, file] of Object.entries(stack.logs)) {
    console.log(`# ${part} logs to ${relative(process.cwd(), file)}`)
  }
}
