import { readRecordedStack, stopRecordedStack } from './stack/recorded-stack.ts'

// `npm run dev:down`: stops what `npm run dev:up` started, and nothing else.

const recorded = await readRecordedStack()
if (recorded === undefined) {
  console.log('No local stack is up.')
} else {
  const stopped = await stopRecordedStack(recorded)
  console.log(stopped.length === 0 ? 'The local stack had ended already.' : `Stopped ${stopped.join(', ')}.`)
}
