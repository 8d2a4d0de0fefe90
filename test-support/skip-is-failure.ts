import { Readable } from 'node:stream'
import { spec, type TestEvent } from 'node:test/reporters'

/**
 * Node's own report, in which a skipped test counts as failed: for runs that nobody watches, where a test that
 * never runs would go unnoticed.
 */
export default async function* skipIsFailure(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const text of Readable.from(skipsAsFailures(source)).pipe(new spec())) yield String(text)
}

async function* skipsAsFailures(source: AsyncIterable<TestEvent>): AsyncGenerator<TestEvent> {
  for await (const event of source) {
    if (event.type !== 'test:pass' || event.data.skip === undefined) {
      yield event
      continue
    }
    const { skip, details, ...test } = event.data
    const reason = typeof skip === 'string' && skip !== '' ? skip : 'no reason given'
    const cause = new Error(`Skipped (${reason}), which fails this run`)
    // The trace would lead to this reporter; the report names the test's own place.
    cause.stack = cause.message
    const error = Object.assign(new Error(cause.message, { cause }), { code: 'ERR_TEST_FAILURE', cause })
    const failure: Extract<TestEvent, { type: 'test:fail' }> = {
      type: 'test:fail',
      data: { ...test, details: { ...details, error } },
    }
    // The runner has counted it as skipped, so the exit code is not its doing.
    process.exitCode = 1
    yield failure
  }
}
