import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stopOnSignals } from '../stack/interrupts.ts'
import { newLogDirectory } from '../stack/log-directory.ts'
import { ProcessGroup } from '../stack/process-group.ts'
import { repositoryRoot } from '../stack/repository.ts'
import { play, type Seen } from './drill.ts'
import { EXERCISES } from './exercises.ts'
import { quickRules } from './quick-rules.ts'
import { Scene } from './scene.ts'

// `npm run drill:operator [-- EXERCISE…]`: what an operator sees when something goes wrong, as Markdown for
// docs/operations.md; of all exercises, or of those whose titles are given.

/** Events come in all the time, so that there is something to lag behind. */
const EVENTS = 200_000
const EVENTS_PER_SECOND = 100

const titles = process.argv.slice(2)
const unknown = titles.filter(title => EXERCISES.every(exercise => exercise.title !== title))
if (unknown.length > 0) {
  const known = EXERCISES.map(({ title }) => `'${title}'`).join(', ')
  console.error(`There is no exercise '${unknown.join("', '")}'; there are ${known}.`)
  process.exit(2)
}
const exercises = EXERCISES.filter(({ title }) => titles.length === 0 || titles.includes(title))

const stopped = new AbortController()
let load: Promise<void> = Promise.resolve()
const group = new ProcessGroup()
stopOnSignals(() => group.stop())
const say = (line: string): void => void process.stderr.write(`${line}\n`)
try {
  const rules = readFileSync(join(repositoryRoot, 'deploy/prometheus/rules.yml'), 'utf8')
  const scene = await Scene.start({
    group,
    logDirectory: await newLogDirectory('operator'),
    say,
    events: EVENTS,
    malformed: 5,
    instances: { 'marketing-events': 1, 'braze-sink': 2 },
    env: { 'activities-api': { ACTIVITIES_FAULTS: 'on' } },
    rules: quickRules(rules),
  })
  load = publishSteadily(scene, stopped.signal)
  for (const exercise of exercises) {
    say(`${exercise.title} …`)
    process.stdout.write(markdownOf(await play(scene, exercise)))
  }
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
} finally {
  stopped.abort()
  await load
  await group.stop()
}

async function publishSteadily(scene: Scene, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await scene.publish(EVENTS_PER_SECOND / 10)
    await sleep(100)
  }
}

function markdownOf(seen: Seen): string {
  const { exercise, fired, metrics, health, status, commands, recoveredSeconds } = seen
  const lines = [
    `### ${exercise.title}`,
    '',
    `**Done**: ${exercise.fault}. **Mended**: ${exercise.mend}.`,
    '',
    '| | seen |',
    '|---|---|',
    ...fired.map(({ name, seconds, summary }) => `| alert after ${seconds} s | ${name}: ${summary} |`),
    ...metrics.map(
      ({ expr, values }) => `| \`${expr.replaceAll('|', '\\|')}\` | ${values.join('; ') || 'nothing'} |`,
    ),
    ...health.map(text => `| \`/health/ready\` | ${text} |`),
    ...status.map(text => `| \`/v3/kafka\` | ${text} |`),
    `| after mending | no alert after ${recoveredSeconds} s |`,
    '',
    ...commands.flatMap(({ command, output }) => ['```text', `$ ${command}`, output, '```', '']),
  ]
  return `${lines.join('\n')}\n`
}
