#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { CreateError, createProject } from './create-project.ts'

const USAGE = `Usage: npm create tributary <folder>

Makes a project in the folder, which has to be empty or new: one topology, its Avro schemas, its test, a compose file
with Kafka and a schema registry, a README that says how to run them.
`

process.exitCode = main(process.argv.slice(2))

function main(args: readonly string[]): number {
  const [folder, ...more] = args
  if (folder === '--help' || folder === '-h') {
    process.stdout.write(USAGE)
    return 0
  }
  if (folder === undefined || more.length > 0 || folder.startsWith('-')) {
    process.stderr.write(USAGE)
    return 2
  }
  try {
    // The template and the library are released together.
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      readonly version: string
    }
    const project = createProject({ folder, topology: `^${version}` })
    const path = relative('', project.folder)
    process.stdout.write(
      `${project.name} is in ${project.folder}.\n\n${path === '' ? '' : `  cd ${path}\n`}  npm install\n  npm test\n\nREADME.md says how to run it on a Kafka.\n`,
    )
    return 0
  } catch (error) {
    if (!(error instanceof CreateError)) throw error
    process.stderr.write(`${error.message}\n`)
    return 1
  }
}
