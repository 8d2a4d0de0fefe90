#!/usr/bin/env node
import { createInterface } from 'node:readline/promises'
import { wantsColours } from './paint.ts'
import { runCli } from './run.ts'

const interrupted = new AbortController()
// Only the first one is asked for politely: the second ends the process as usual.
process.once('SIGINT', () => interrupted.abort())

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await terminal.question(question, { signal: interrupted.signal })
  } finally {
    terminal.close()
  }
}

const exitCode = await runCli(process.argv.slice(2), {
  workingDirectory: process.cwd(),
  searchPath: process.env['PATH'],
  print: text => void process.stdout.write(text),
  complain: text => void process.stderr.write(text),
  ask: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
  signal: interrupted.signal,
  isColoured: wantsColours(process.stdout, process.env),
})
// An author's module that was loaded may hold connections and timers, which are of no concern once the command is done.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)))
