import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { repositoryRoot } from '../../../dev/stack/repository.ts'
import { summarizeGrowth } from '../../src/growth/summary.ts'
import { summarizeLatency } from '../../src/latency/summary.ts'
import { documentFiles } from '../../src/report/document-file.ts'
import { BEGIN, END, figures, withFigures } from '../../src/report/document.ts'
import type { ResultsFile } from '../../src/report/results-file.ts'
import { summarize } from '../../src/report/summary.ts'
import { growthRun, latencyResult, resultsFile, runResult } from '../fixtures.ts'

const CONTESTANTS = [
  { name: 'tributary', title: 'Tributary, default' },
  { name: 'kafka-streams', title: 'Kafka Streams, default' },
  { name: 'kafka-streams-in-memory', title: 'Kafka Streams, in-memory' },
  { name: 'kafka-streams-tuned', title: 'Kafka Streams, tuned' },
]
const RUNS = [1, 2, 3].flatMap(round => [
  runResult('tributary', round, 600_000),
  runResult('kafka-streams', round, 140_000),
  runResult('kafka-streams-in-memory', round, 150_000),
  runResult('kafka-streams-tuned', round, 300_000),
])
const PLAIN = resultsFile('plain', {
  options: { size: { bookings: 2_000_000 }, runs: 3, contestants: CONTESTANTS },
  summary: summarize(2_000_000, RUNS),
  runs: RUNS,
})

function markdownOf(...files: readonly ResultsFile[]): string {
  return figures(new Map([['example-2-cores', new Map(files.map(file => [file.kind, file]))]])).markdown
}

test('docs/performance.md shows what the saved results come to, and so do its drawings', async () => {
  for (const [file, content] of await documentFiles()) {
    assert.equal(
      await readFile(file, 'utf8'),
      content,
      `${file} is not what the saved results give: npm run bench -- report`,
    )
  }
})

test('every drawing that docs/performance.md shows is there, and every other link leads somewhere', async () => {
  const docs = join(repositoryRoot, 'docs')
  const text = await readFile(join(docs, 'performance.md'), 'utf8')
  const targets = [...text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, target]) => target!)
  for (const target of targets) assert.ok(await readFile(join(docs, target)), target)
})

test('the figures take the place of those that stand between the marks, and nothing else', () => {
  const written = withFigures(`before\n${BEGIN}\nold\n${END}\nbehind\n`, 'new')
  assert.equal(written, `before\n${BEGIN}\n\nnew\n\n${END}\nbehind\n`)
  assert.equal(withFigures(written, 'new'), written)
  assert.throws(() => withFigures('no marks', 'new'), TypeError)
})

test('an objective that was not reached is called so', () => {
  const markdown = markdownOf(PLAIN)
  assert.match(markdown, /by default \| ≥ 4 \| 4 \| reached \|/)
  assert.match(markdown, /tuned, 2 threads \| ≥ 2.5 \| 2 \| \*\*not reached\*\* \|/)
})

test('runs that other work disturbed are told', () => {
  const runs = RUNS.map((run, index) => ({ ...run, isDisturbed: index === 4 }))
  assert.doesNotMatch(markdownOf(PLAIN), /other work/)
  assert.match(markdownOf({ ...PLAIN, runs }), /In 1 of the 12 runs other work took/)
})

test('each table stands with the command that repeats it', () => {
  const variant = resultsFile('lz4', { options: { contestants: CONTESTANTS }, runs: RUNS })
  const latencies = [latencyResult('tributary', 1, 9), latencyResult('kafka-streams', 1, 30)]
  const latency = resultsFile('latency', {
    options: { recordsPerSecond: 5_000, contestants: CONTESTANTS },
    summary: summarizeLatency(latencies),
    runs: latencies,
  })
  const tables = resultsFile('tables', {
    options: { rows: 5_000_000, contestants: CONTESTANTS },
    summary: { tributary: { loadRowsPerSecond: 900_000, loadedRssMiB: 1_100 } },
  })
  const points = [growthRun('rows', 10_000, 1, 500_000), growthRun('rows', 5_000_000, 1, 400_000)]
  const growth = resultsFile('growth', {
    options: { bookings: 400_000 },
    summary: summarizeGrowth(points),
    runs: points,
  })
  const markdown = markdownOf(PLAIN, variant, latency, tables, growth)
  for (const kind of ['plain', 'lz4', 'latency', 'tables', 'growth'])
    assert.ok(markdown.includes(`npm run bench -- ${kind}`), kind)
  assert.match(
    markdown,
    /input topics compressed with lz4 \| 600,000 \| 150,000 \| 300,000 \| 4.00 × \| 2.00 × \|/,
  )
  assert.match(markdown, /latency p99, ms \| ≤ 15 \| 9 \| reached/)
  assert.match(markdown, /rows loaded\/s \| ≥ 1,000,000 \| 900,000 \| \*\*not reached\*\*/)
  assert.match(markdown, /\| 5,000,000 \| 400,000 \|/)
})

test('without results the document says how to make them', () => {
  assert.match(figures(new Map()).markdown, /No results are saved yet/)
})
