import type { TopologyOutline } from '@tributary/topology'
import { parseScrape, type Scrape } from './prometheus-text.ts'

/** As `/status` of a service tells it, as far as the console reads it. */
export interface StatusAnswer {
  readonly service: string
  readonly state: string
  readonly tasks: readonly {
    readonly id: string
    readonly inFlight: number
    readonly sources: readonly {
      readonly topic: string
      readonly partition: number
      readonly position: number
      readonly committed?: number
      readonly lag: number
      readonly lagMs: number
      readonly highWatermark: number
      readonly isPaused: boolean
    }[]
  }[]
  readonly tables: readonly {
    readonly table: string
    readonly topic: string
    readonly scope: 'partitioned' | 'global'
    readonly state: string
    readonly rows: number
    readonly bytes: number
    readonly lag: number
    readonly stalenessMs: number
    readonly restarts: number
    readonly malformed: number
  }[]
  /** Of an instance that delivers to Braze. */
  readonly braze?: { readonly latestErrors?: readonly LatestError[] }
}

/** As the sink tells it: without anything that may be a customer's. */
export interface LatestError {
  readonly endpoint: string
  readonly status?: number
  readonly code: string
  readonly says: string
  readonly firstAtMs: number
  readonly atMs: number
  readonly count: number
}

export interface ReadinessAnswer {
  readonly isReady: boolean
  readonly reasons: readonly string[]
}

export interface ProbeAnswer {
  readonly status: StatusAnswer
  readonly readiness: ReadinessAnswer
  readonly scrape: Scrape
  /** Undefined for a service that does not tell it. */
  readonly outline: TopologyOutline | undefined
}

export type Fetch = (
  url: string,
  init: { readonly signal: AbortSignal; readonly redirect: 'error' },
) => Promise<Response>

/** More than any of the answers has; a process that says more is not one of ours. */
const MAX_ANSWER_BYTES = 8_388_608

/**
 * Asks a process how it is.
 * @throws Error when one of the answers does not come, or is not one of a service
 */
export async function probeInstance(
  url: string,
  {
    fetch,
    timeoutMs,
    outline,
  }: { readonly fetch: Fetch; readonly timeoutMs: number; readonly outline?: TopologyOutline | undefined },
): Promise<ProbeAnswer> {
  const ask = async (path: string, isUnreadyAllowed = false): Promise<string> => {
    const response = await fetch(`${url}${path}`, {
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
    })
    const text = await response.text()
    if (text.length > MAX_ANSWER_BYTES) throw new Error(`${path} answers with ${text.length} bytes`)
    const isExpected = response.ok || (isUnreadyAllowed && response.status === 503)
    if (!isExpected) throw new Error(`${path} answers with the status ${response.status}`)
    return text
  }
  const [status, readiness, metrics, topology] = await Promise.all([
    ask('/status'),
    ask('/health/ready', true),
    ask('/metrics'),
    outline ??
      ask('/topology').then(
        text => JSON.parse(text) as TopologyOutline,
        () => undefined,
      ),
  ])
  const answer = JSON.parse(status) as StatusAnswer
  if (!Array.isArray(answer.tasks) || !Array.isArray(answer.tables))
    throw new Error('/status does not answer as a Tributary service does')
  return {
    status: answer,
    readiness: JSON.parse(readiness) as ReadinessAnswer,
    scrape: parseScrape(metrics),
    outline: topology,
  }
}

/** In a few words, for a page. */
export function failureText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return 'no answer in time'
  const { cause } = error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (code === 'ENOTFOUND') return 'its host name is unknown'
  return code === undefined ? error.message : `${error.message} (${code})`
}
