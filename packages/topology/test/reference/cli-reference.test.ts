import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { EXIT_CODES, type Options } from '../../src/cli/command.ts'
import { COMMANDS } from '../../src/cli/commands.ts'
import { CONNECTION_OPTIONS } from '../../src/cli/connection.ts'
import { JUDGEMENTS } from '../../src/cli/describe/judgements.ts'
import { MODULE_OPTIONS } from '../../src/cli/topology-module.ts'
import { tributary } from '../cli/dlq-support.ts'

const page = readFileSync(new URL('../../../../docs/reference/cli.md', import.meta.url), 'utf8')
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map(section => [section.slice(0, section.indexOf('\n')), section]),
)

const sectionOf = (heading: string): string => {
  const section = sections.get(heading)
  assert.ok(section !== undefined, `docs/reference/cli.md has no section ${heading}`)
  return section
}
const optionsIn = (text: string): string[] =>
  [...text.matchAll(/^\| `--([a-z-]+)[^`]*` \|/gm)].map(([, name = '']) => name)
const exitCodesIn = (text: string): string[] =>
  [...text.matchAll(/^\| (\d+) \| \S/gm)].map(([, code = '']) => code)
const namesOf = (options: Options): string[] => Object.keys(options)

test('docs/reference/cli.md has a section for each command, and for no other', () => {
  const described = [...sections.keys()].filter(heading => heading.startsWith('tributary '))
  assert.deepEqual(
    described,
    COMMANDS.map(({ name }) => `tributary ${name}`),
  )
})

test('docs/reference/cli.md lists the options of each command, and no other', () => {
  assert.deepEqual(optionsIn(sectionOf('Connection')).toSorted(), namesOf(CONNECTION_OPTIONS).toSorted())
  assert.deepEqual(optionsIn(sectionOf('Topology modules')).toSorted(), namesOf(MODULE_OPTIONS).toSorted())
  for (const { name, options } of COMMANDS) {
    const section = sectionOf(`tributary ${name}`)
    const listed = optionsIn(section)
    if (section.includes('(#connection)')) listed.push(...namesOf(CONNECTION_OPTIONS))
    if (section.includes('(#topology-modules)')) listed.push(...namesOf(MODULE_OPTIONS))
    const taken = namesOf(options).filter(option => option !== 'help')
    assert.deepEqual(listed.toSorted(), taken.toSorted(), name)
  }
})

test('docs/reference/cli.md lists the exit codes that a command has of its own, and no other', () => {
  const [common = ''] = page.split(/^## /m)
  assert.deepEqual(exitCodesIn(common), Object.keys(EXIT_CODES))
  for (const { name, exitCodes } of COMMANDS) {
    const own = Object.entries(exitCodes).filter(([code, meaning]) => EXIT_CODES[Number(code)] !== meaning)
    assert.deepEqual(
      exitCodesIn(sectionOf(`tributary ${name}`)),
      own.map(([code]) => code),
      name,
    )
  }
})

test('docs/reference/cli.md gives the judgement of each change of a topology, and of no other', () => {
  const rows = [...sectionOf('tributary describe diff').matchAll(/^\| `([a-z-]+)` \| ([a-z-]+) \| \S/gm)]
  assert.deepEqual(
    rows.map(([, kind, verdict]) => [kind, verdict]),
    Object.entries(JUDGEMENTS).map(([kind, { verdict }]) => [kind, verdict]),
  )
})

test('the list of all commands has the summary of each that is not in a group', async () => {
  const { code, out } = await tributary(['help'])
  assert.equal(code, 0)
  for (const { name, summary } of COMMANDS.filter(command => !command.name.includes(' ')))
    assert.ok(out.split('\n').includes(`  ${name.padEnd(11)} ${summary}`), name)
})

test('each command’s help has its options, examples that it takes, and its exit codes', async () => {
  for (const { name, help, options, exitCodes } of COMMANDS) {
    const { code, out } = await tributary([...name.split(' '), '--help'])
    assert.deepEqual([code, out], [0, help])
    assert.match(help, new RegExp(`^Usage: tributary ${name} `))
    for (const option of namesOf(options).filter(each => each !== 'help'))
      assert.ok(help.includes(`--${option}`), `${name} --help says nothing of --${option}`)
    const examples = [...help.matchAll(/^ {2}(tributary .+)$/gm)].map(([, example = '']) => example)
    assert.ok(examples.length >= 2, name)
    for (const example of examples) {
      assert.ok(example.startsWith(`tributary ${name} `), example)
      for (const [, option = ''] of example.matchAll(/ --([a-z-]+)/g)) assert.ok(option in options, example)
    }
    for (const exitCode of Object.keys(exitCodes)) assert.match(help, new RegExp(`^ {2}${exitCode} `, 'm'))
    assert.ok('json' in options, `${name} has no --json`)
  }
})
