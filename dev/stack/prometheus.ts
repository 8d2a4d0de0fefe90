import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { debianRoot, PROMETHEUS, type PackageRun } from './debian-packages.ts'
import { freePort } from './ports.ts'

export interface PrometheusOptions extends PackageRun {
  readonly dataDirectory: string
  /** `host:port` by job. */
  readonly targets: Readonly<Record<string, readonly string[]>>
  /** The text of a file of rules. */
  readonly rules: string
  readonly intervalMs: number
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: number
}

export interface FiringAlert {
  readonly name: string
  readonly state: 'pending' | 'firing'
  readonly labels: Readonly<Record<string, string>>
  readonly summary: string
}

const HOST = '127.0.0.1'

/** A running Prometheus, asked over HTTP. */
export class Prometheus {
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  /** What an instant query finds now. Throws an Error with Prometheus' own words for an expression that it refuses. */
  async query(expr: string): Promise<readonly Sample[]> {
    const { result } = await this.#get<{
      readonly result: readonly {
        readonly metric: Readonly<Record<string, string>>
        readonly value: readonly [number, string]
      }[]
    }>(`query?query=${encodeURIComponent(expr)}`)
    return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }))
  }

  async alerts(): Promise<readonly FiringAlert[]> {
    const { alerts } = await this.#get<{
      readonly alerts: readonly {
        readonly state: FiringAlert['state']
        readonly labels: Readonly<Record<string, string>>
        readonly annotations: Readonly<Record<string, string>>
      }[]
    }>('alerts')
    return alerts.map(({ state, labels: { alertname = '', ...labels }, annotations }) => ({
      name: alertname,
      state,
      labels,
      summary: annotations['summary'] ?? '',
    }))
  }

  /** The health of each rule by its name: `ok`, or why it cannot be evaluated. */
  async ruleHealth(): Promise<ReadonlyMap<string, string>> {
    const { groups } = await this.#get<{
      readonly groups: readonly {
        readonly rules: readonly {
          readonly name: string
          readonly health: string
          readonly lastError?: string
        }[]
      }[]
    }>('rules')
    return new Map(
      groups.flatMap(({ rules }) =>
        rules.map(({ name, health, lastError }) => [name, lastError || health] as const),
      ),
    )
  }

  async #get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}/api/v1/${path}`)
    const body = (await response.json()) as {
      readonly status: string
      readonly error?: string
      readonly data: T
    }
    if (body.status !== 'success') throw new Error(`Prometheus: ${body.error}`)
    return body.data
  }
}

/**
 * Debian's Prometheus on fresh storage. It ends with the group.
 * @throws StackError when it cannot be had or does not get ready.
 */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const { group, logDirectory, targets, rules, intervalMs } = options
  const program = join(await debianRoot(options, PROMETHEUS), 'usr/bin/prometheus')
  const directory = join(options.dataDirectory, 'prometheus')
  await mkdir(directory, { recursive: true })
  const config = {
    global: {
      scrape_interval: `${intervalMs}ms`,
      scrape_timeout: `${intervalMs}ms`,
      evaluation_interval: `${intervalMs}ms`,
    },
    rule_files: ['rules.yml'],
    scrape_configs: Object.entries(targets).map(([job, addresses]) => ({
      job_name: job,
      static_configs: [{ targets: addresses }],
    })),
  }
  await writeFile(join(directory, 'rules.yml'), rules)
  // JSON is YAML.
  await writeFile(join(directory, 'prometheus.yml'), JSON.stringify(config))
  const port = await freePort()
  const url = `http://${HOST}:${port}`
  await group.start({
    name: 'Prometheus',
    command: program,
    args: [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=${HOST}:${port}`,
    ],
    cwd: directory,
    logFile: join(logDirectory, 'prometheus.log'),
    readyWhen: async signal => (await fetch(`${url}/-/ready`, { signal })).ok,
  })
  return new Prometheus(url)
}
