import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ManagedProcess, Probe } from './managed-process.ts'
import type { ProcessGroup } from './process-group.ts'

export interface RegistryOptions {
  readonly group: ProcessGroup
  readonly java: string
  /** See `registryDistribution`. */
  readonly distribution: string
  readonly port: number
  readonly logFile: string
  readonly outlivesParent?: boolean
}

export interface RegistryServer {
  /** The base of the Confluent-compatible API: `${url}/subjects` lists the subjects. */
  readonly url: string
  readonly process: ManagedProcess
}

/** Where Apicurio serves Confluent's API. */
export const CONFLUENT_API_PATH = '/apis/ccompat/v7'

/** Apicurio Registry with its storage in memory. */
export async function startRegistry(options: RegistryOptions): Promise<RegistryServer> {
  const { group, java, distribution, port, logFile } = options
  const url = `http://127.0.0.1:${port}${CONFLUENT_API_PATH}`
  const runner = (await readdir(distribution)).find(file => file.endsWith('-runner.jar'))
  if (runner === undefined) throw new Error(`${distribution} holds no -runner.jar`)
  const child = await group.start({
    name: 'Apicurio Registry',
    command: java,
    args: [
      '-Xmx256m',
      '-Dquarkus.http.host=127.0.0.1',
      `-Dquarkus.http.port=${port}`,
      '-jar',
      join(distribution, runner),
    ],
    logFile,
    readyWhen: registryAnswers(url),
    outlivesParent: options.outlivesParent ?? false,
  })
  return { url, process: child }
}

export function registryAnswers(url: string): Probe {
  return async signal => {
    const response = await fetch(`${url}/subjects`, { signal })
    await response.arrayBuffer()
    return response.ok
  }
}
