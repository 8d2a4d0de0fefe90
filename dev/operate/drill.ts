import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Scene } from './scene.ts'
import { repositoryRoot } from '../stack/repository.ts'
import { stackEnvironment } from '../stack/stack.ts'
import type { ServiceProcess } from '../demo/services/service-processes.ts'

/** One thing that goes wrong, and what is looked at meanwhile. */
export interface Exercise {
  readonly title: string
  /** What the operator does, in words. */
  readonly fault: string
  readonly mend: string
  begin(scene: Scene): Promise<void>
  end(scene: Scene): Promise<void>
  /** The alerts that are to fire; the look-out waits for all of them. */
  readonly alerts: readonly string[]
  /** Expressions of interest. */
  readonly metrics: readonly string[]
  /** Commands of `tributary`, without its options for the brokers. */
  readonly commands: readonly (readonly string[])[]
}

export interface Seen {
  readonly exercise: Exercise
  /** From the fault to the alert, by its name. */
  readonly fired: readonly { readonly name: string; readonly seconds: number; readonly summary: string }[]
  readonly metrics: readonly { readonly expr: string; readonly values: readonly string[] }[]
  readonly health: readonly string[]
  readonly status: readonly string[]
  readonly commands: readonly { readonly command: string; readonly output: string }[]
  /** From the mending until no alert fires and no record waits. */
  readonly recoveredSeconds: number
}

const LOOK_MS = 500
const DEADLINE_MS = 180_000
const CLI = join(repositoryRoot, 'packages/topology/src/cli/main.ts')

/**
 * Plays an exercise while events come in, and writes down what there was to see. Throws an Error that names the alerts
 * that have not come, or gone.
 */
export async function play(scene: Scene, exercise: Exercise): Promise<Seen> {
  await quiet(scene, 'before')
  const before = new Set((await scene.prometheus.alerts()).map(({ name }) => name))
  const startedAt = performance.now()
  await exercise.begin(scene)
  const fired = (await untilFired(scene, exercise, startedAt)).filter(({ name }) => !before.has(name))
  const metrics = await Promise.all(
    exercise.metrics.map(async expr => ({
      expr,
      values: (await scene.prometheus.query(expr)).map(sampleText),
    })),
  )
  const running = [...scene.services.scaled['marketing-events'], ...scene.services.scaled['braze-sink']]
  const health = await Promise.all(running.map(healthText))
  const status = (await Promise.all(running.map(consumerStatus))).flat()
  const commands = []
  for (const command of exercise.commands) commands.push(await tributary(scene, command))
  const mendedAt = performance.now()
  await exercise.end(scene)
  await quiet(scene, exercise.title)
  const recoveredSeconds = secondsSince(mendedAt)
  return { exercise, fired, metrics, health, status, commands, recoveredSeconds }
}

async function untilFired(
  scene: Scene,
  { title, alerts }: Exercise,
  startedAt: number,
): Promise<Seen['fired']> {
  const fired = new Map<string, Seen['fired'][number]>()
  while (!alerts.every(name => fired.has(name))) {
    for (const { name, state, summary } of await scene.prometheus.alerts()) {
      if (state === 'firing' && !fired.has(name))
        fired.set(name, { name, seconds: secondsSince(startedAt), summary })
    }
    if (performance.now() - startedAt > DEADLINE_MS) {
      throw new Error(
        `${title}: of ${alerts.join(', ')} only ${[...fired.keys()].join(', ') || 'none'} fired`,
      )
    }
    await sleep(LOOK_MS)
  }
  return [...fired.values()]
}

/** Its windows are the longest: it goes on for minutes, also when they are read as seconds. */
const SLOW_TO_END = 'TributaryObjectiveBurnsSlowly'

/** Resolves when no alert fires. */
async function quiet(scene: Scene, when: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    const alerts = (await scene.prometheus.alerts()).filter(
      ({ name, state }) => state === 'firing' && name !== SLOW_TO_END,
    )
    if (alerts.length === 0) return
    if (performance.now() > deadline) {
      throw new Error(
        `${when}: still firing: ${alerts.map(({ name, summary }) => `${name} (${summary})`).join(', ')}`,
      )
    }
    await sleep(LOOK_MS)
  }
}

async function healthText(service: ServiceProcess): Promise<string> {
  const response = await fetch(`${service.url}/health/ready`).catch(() => undefined)
  if (response === undefined) return `${service.name}: no answer`
  const { reasons = [] } = (await response.json()) as { readonly reasons?: readonly string[] }
  return `${service.name}: ${response.status}${reasons.length === 0 ? '' : `, ${reasons.join('; ')}`}`
}

/** What the service says under Burrow's path. */
async function consumerStatus(service: ServiceProcess): Promise<string[]> {
  const group = service.name.replace(/-\d+$/, '')
  const response = await fetch(`${service.url}/v3/kafka/kafka/consumer/${group}/lag`).catch(() => undefined)
  if (response?.ok !== true) return []
  const { status } = (await response.json()) as {
    readonly status: {
      readonly status: string
      readonly totallag: number
      readonly partitions: readonly { readonly status: string }[]
    }
  }
  const partitions = [...new Set(status.partitions.map(partition => partition.status))].toSorted().join(', ')
  return [`${service.name}: ${status.status} (partitions: ${partitions}), ${status.totallag} records behind`]
}

async function tributary(scene: Scene, command: readonly string[]): Promise<Seen['commands'][number]> {
  const { KAFKA_BROKERS } = stackEnvironment(scene.ground.stack)
  const args = ['-C', '@tributary/source', CLI, ...command, '--brokers', KAFKA_BROKERS]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args).catch(
    (error: { readonly stdout: string; readonly stderr: string }) => error,
  )
  return { command: `tributary ${command.join(' ')} --brokers …`, output: (stdout + stderr).trimEnd() }
}

function sampleText({
  metric,
  value,
}: {
  readonly metric: Readonly<Record<string, string>>
  readonly value: number
}): string {
  const labels = Object.entries(metric).filter(([name]) => name !== '__name__' && name !== 'instance')
  return `${labels.map(([name, text]) => `${name}=${text}`).join(' ')}: ${Math.round(value * 1_000) / 1_000}`
}

function secondsSince(at: number): number {
  return Math.round((performance.now() - at) / 1_000)
}
