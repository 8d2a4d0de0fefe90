import { VARIANTS } from '../job/variant.ts'
import type { LatencySummary } from '../latency/summary.ts'
import type { TablesSummary } from '../tables/summary.ts'
import { growthSection } from './growth-section.ts'
import type { Commit } from './machine.ts'
import { code, markdownTable } from './markdown.ts'
import { objectives } from './objectives.ts'
import type { ResultsFile } from './results-file.ts'
import { jobSection, variantsSection } from './job-sections.ts'
import { latencySection, tablesSection } from './other-sections.ts'
import type { Results, Section } from './section.ts'
import type { Summary } from './summary.ts'

export const BEGIN =
  '<!-- figures: begin. What stands between the two marks is written by `npm run bench -- report`. -->'
export const END = '<!-- figures: end -->'

const NOTHING_SAVED = 'No results are saved yet; `npm run bench -- all --save` makes them.'

/** What the results of all machines come to. Drawings by their path beside the document. */
export function figures(machines: ReadonlyMap<string, Results>): Section {
  if (machines.size === 0) return { markdown: NOTHING_SAVED, drawings: {} }
  const sections = Array.from(machines, ([slug, results]) => ofMachine(`performance/${slug}`, results))
  return {
    markdown: sections.map(({ markdown }) => markdown).join('\n\n'),
    drawings: Object.assign({}, ...sections.map(({ drawings }) => drawings)) as Section['drawings'],
  }
}

/** The document with other figures. @throws TypeError without the two marks */
export function withFigures(document: string, markdown: string): string {
  const from = document.indexOf(BEGIN)
  const to = document.indexOf(END)
  if (from < 0 || to < from) throw new TypeError(`The document lacks the marks ${BEGIN} and ${END}.`)
  return `${document.slice(0, from)}${BEGIN}\n\n${markdown}\n\n${document.slice(to)}`
}

function ofMachine(folder: string, results: Results): Section {
  const sections = [
    machineSection(results),
    ...ofKind(results, 'plain', file => jobSection(folder, 'The job', file)),
    ...ofKind(results, 'others', file =>
      jobSection(folder, 'The same with other guarantees, processes and programs', file),
    ),
    ...variantsOf(folder, results),
    ...ofKind(results, 'latency', file => latencySection(folder, file)),
    ...ofKind(results, 'tables', tablesSection),
    ...ofKind(results, 'growth', file => growthSection(folder, file)),
  ]
  return {
    markdown: sections.map(({ markdown }) => markdown).join('\n\n'),
    drawings: Object.assign({}, ...sections.map(({ drawings }) => drawings)) as Section['drawings'],
  }
}

function ofKind(results: Results, kind: string, section: (file: ResultsFile) => Section): readonly Section[] {
  const file = results.get(kind)
  return file === undefined ? [] : [section(file)]
}

function variantsOf(folder: string, results: Results): readonly Section[] {
  const files = VARIANTS.filter(({ name }) => name !== 'plain').flatMap(({ name, title }) => {
    const file = results.get(name)
    return file === undefined ? [] : [{ title, file }]
  })
  return files.length === 0 ? [] : [variantsSection(folder, files)]
}

function machineSection(results: Results): Section {
  const [any] = results.values()
  const { processor, cores, memoryGiB, system, node, java, kafka } = any!.machine
  const commits = [...new Set(Array.from(results.values(), ({ commit }) => commitText(commit)))]
  const days = Array.from(results.values(), ({ at }) => at.slice(0, 10)).toSorted()
  const when = days[0] === days.at(-1) ? days[0] : `${days[0]} to ${days.at(-1)}`
  const markdown = [
    `## ${processor.replaceAll('(R)', '')}, ${cores} cores`,
    `${memoryGiB} GiB, ${system}; Node ${node}, Java ${java}, Kafka ${kafka}. ${when}, commit ${commits.join(', ')}.`,
    objectivesTable(results),
  ]
  return { markdown: markdown.filter(Boolean).join('\n\n'), drawings: {} }
}

function commitText({ id, isChanged }: Commit): string {
  return isChanged ? `${code(id)} with changes` : code(id)
}

function objectivesTable(results: Results): string {
  const summaryOf = <T>(kind: string): T | undefined => results.get(kind)?.summary as T | undefined
  const comparison = summaryOf<Summary>('plain')
  const latency = summaryOf<LatencySummary>('latency')
  const tables = summaryOf<TablesSummary>('tables')
  const rows = objectives({
    ...(comparison && { comparison }),
    ...(latency && { latency }),
    ...(tables && { tables }),
  })
  if (rows.length === 0) return ''
  return markdownTable(
    ['objective', 'wanted', 'measured', ''],
    rows.map(({ what, wanted, measured, isReached }) => [
      what,
      wanted,
      measured,
      isReached ? 'reached' : '**not reached**',
    ]),
  )
}
