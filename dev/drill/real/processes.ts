import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { StateAnswer } from '@tributary/braze-simulator'
import { serviceProcess } from '../../demo/services/service-processes.ts'
import type { ManagedProcess } from '../../stack/managed-process.ts'
import { freePort } from '../../stack/ports.ts'
import { signalGroup } from '../../stack/process-identity.ts'
import { DrillError } from '../drill-error.ts'
import type { Fields, Input, Picture } from '../in-process/picture.ts'
import type { RealGround } from './ground.ts'

export const API_KEY = 'drill-key'
const USERS_AT_ONCE = 16
const STOP_DEADLINE_MS = 40_000
const MS_PER_TICK = 10

/** Of all its threads, in milliseconds; NaN where there is no `/proc`. */
export function cpuMsOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK
  } catch {
    return Number.NaN
  }
}

/** The simulator as a process. */
export class RealSimulator {
  readonly url: string
  readonly #process: ManagedProcess

  private constructor(url: string, process: ManagedProcess) {
    this.url = url
    this.#process = process
  }

  static async start(ground: RealGround, env: Readonly<Record<string, string>>): Promise<RealSimulator> {
    const port = await freePort()
    const child = await ground.group.start(
      serviceProcess({
        service: 'braze-simulator',
        name: 'braze-simulator',
        env: { BRAZE_API_KEY: API_KEY, LOG_LEVEL: 'warn', ...env },
        port,
        logFile: join(ground.logDirectory, 'braze-simulator.log'),
      }),
    )
    return new RealSimulator(`http://127.0.0.1:${port}`, child)
  }

  get pid(): number {
    return this.#process.pid
  }

  async state(): Promise<StateAnswer> {
    return (await this.#get('/_simulator/state')).json() as Promise<StateAnswer>
  }

  async post(path: string, body: object): Promise<void> {
    const answer = await fetch(this.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!answer.ok) throw new DrillError('DRILL_GROUND', `${path}: ${await answer.text()}`)
  }

  /** Every event, in the order in which it was applied: user and what was sent. */
  async events(): Promise<readonly { readonly user: string; readonly event: Fields }[]> {
    const lines = (await (await this.#get('/_simulator/events')).text()).split('\n')
    return lines.flatMap(line => {
      if (line === '') return []
      const {
        external_id: user,
        name,
        time,
        properties,
      } = JSON.parse(line) as Fields & { external_id: string }
      return [{ user, event: { name, time, properties } }]
    })
  }

  async picture(inputs: readonly Input[]): Promise<Picture> {
    const byUser = Map.groupBy(await this.events(), ({ user }) => user)
    const users = [...new Set(inputs.map(({ user }) => user))]
    const attributes = await this.#attributes(users)
    return Object.fromEntries(
      users.flatMap(user => {
        const known = attributes.get(user)
        if (known === undefined) return []
        const events = (byUser.get(user) ?? []).map(({ event }) => event)
        return [[user, { attributes: known, events, purchases: [] }]]
      }),
    )
  }

  async stop(): Promise<void> {
    await this.#process.stop(STOP_DEADLINE_MS)
  }

  async #attributes(users: readonly string[]): Promise<Map<string, Fields | undefined>> {
    const found = new Map<string, Fields | undefined>()
    // One iterator for all: each takes the next user that nobody has taken.
    const waiting = users.values()
    const work = async (): Promise<void> => {
      for (const user of waiting) {
        const answer = await fetch(`${this.url}/_simulator/users/${encodeURIComponent(user)}`)
        const body = (await answer.json()) as { readonly attributes?: Fields }
        found.set(user, answer.ok ? body.attributes : undefined)
      }
    }
    await Promise.all(Array.from({ length: USERS_AT_ONCE }, work))
    return found
  }

  async #get(path: string): Promise<Response> {
    const answer = await fetch(this.url + path)
    if (answer.ok) return answer
    throw new DrillError('DRILL_GROUND', `${path} was answered ${answer.status}`)
  }
}

/** One process of the sink's service. */
export class RealSink {
  readonly name: string
  readonly url: string
  readonly #process: ManagedProcess

  private constructor(name: string, url: string, process: ManagedProcess) {
    this.name = name
    this.url = url
    this.#process = process
  }

  /** Resolves when it is ready. */
  static async start(
    ground: RealGround,
    name: string,
    env: Readonly<Record<string, string>>,
  ): Promise<RealSink> {
    const port = await freePort()
    const child = await ground.group.start(
      serviceProcess({
        service: 'braze-sink',
        name,
        env: { ...ground.env, ...env },
        port,
        logFile: join(ground.logDirectory, `${name}.log`),
      }),
    )
    return new RealSink(name, `http://127.0.0.1:${port}`, child)
  }

  get pid(): number {
    return this.#process.pid
  }

  async status(): Promise<{
    readonly tasks: readonly { readonly sources: readonly { readonly topic: string }[] }[]
    readonly braze: Fields
  }> {
    return (await (await fetch(`${this.url}/status`)).json()) as never
  }

  async isReady(): Promise<boolean> {
    return (await fetch(`${this.url}/health/ready`)).ok
  }

  /** Takes its processor time away: it neither reads nor sends, and hears of nothing. */
  freeze(): void {
    signalGroup(this.pid, 'SIGSTOP')
  }

  thaw(): void {
    signalGroup(this.pid, 'SIGCONT')
  }

  /** As by `kill -9`. */
  async kill(): Promise<void> {
    this.#process.killNow()
    await this.#process.ended
  }

  /** As by SIGTERM. */
  async stop(): Promise<void> {
    await this.#process.stop(STOP_DEADLINE_MS)
    const { code } = await this.#process.ended
    if (code !== 0)
      throw new DrillError('DRILL_GROUND', `${this.name} was told to stop and ended with ${code}`)
  }
}
