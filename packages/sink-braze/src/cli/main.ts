#!/usr/bin/env node
import { runCli } from './run.ts'

process.exitCode = runCli(process.argv.slice(2), {
  print: text => void process.stdout.write(text),
  complain: text => void process.stderr.write(text),
  hasColours: process.stdout.isTTY && process.stdout.hasColors(),
})
