import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  createKafkaClient,
  type ClientLogger,
  type KafkaClientOptions,
} from '../client/platformatic/kafka-client.ts'
import type { KafkaClient } from '../client/ports.ts'
import { type CliContext, CliError } from './context.ts'

export const CONNECTION_OPTIONS = {
  brokers: { type: 'string' },
  tls: { type: 'boolean' },
  'tls-ca': { type: 'string' },
  'sasl-mechanism': { type: 'string' },
  'sasl-username': { type: 'string' },
  'sasl-password-file': { type: 'string' },
} as const

export const CONNECTION_USAGE = `Connection:
  --brokers <host:port,…>       at least one broker of the cluster (required)
  --tls                         encrypts the connection; --tls-ca <file> trusts the authority in a PEM file
  --sasl-mechanism <name>       PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, with
  --sasl-username <name>        and --sasl-password-file <file> (a password in an argument would be seen by everyone)
`

export interface ConnectionValues {
  readonly brokers?: string
  readonly tls?: boolean
  readonly 'tls-ca'?: string
  readonly 'sasl-mechanism'?: string
  readonly 'sasl-username'?: string
  readonly 'sasl-password-file'?: string
}

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

/** Runs with a client, and closes it. */
export async function withClient<T>(
  values: ConnectionValues,
  context: CliContext,
  run: (kafka: KafkaClient) => Promise<T>,
): Promise<T> {
  const kafka = (context.connect ?? createKafkaClient)(clientOptions(values, context))
  try {
    return await run(kafka)
  } finally {
    await kafka.close()
  }
}

export function clientOptions(values: ConnectionValues, context: CliContext): KafkaClientOptions {
  if (values.brokers === undefined) throw new CliError('--brokers is missing.', 2)
  const ca = values['tls-ca']
  const sasl = saslOf(values, context)
  return {
    brokers: values.brokers.split(','),
    clientId: 'tributary-cli',
    operationTimeoutMs: 15_000,
    logger: loggerOf(context),
    ...(values.tls === true || ca !== undefined
      ? { ssl: ca === undefined ? {} : { ca: readText(ca, context) } }
      : {}),
    ...(sasl === undefined ? {} : { sasl }),
  }
}

function saslOf(values: ConnectionValues, context: CliContext): KafkaClientOptions['sasl'] {
  const username = values['sasl-username']
  const passwordFile = values['sasl-password-file']
  const mechanism = MECHANISMS.find(known => known === values['sasl-mechanism'])
  if ([values['sasl-mechanism'], username, passwordFile].every(value => value === undefined)) return undefined
  if (mechanism === undefined)
    throw new CliError(
      `--sasl-mechanism is ${values['sasl-mechanism'] ?? 'missing'}; allowed: ${MECHANISMS.join(', ')}.`,
      2,
    )
  if (username === undefined || passwordFile === undefined)
    throw new CliError('--sasl-username and --sasl-password-file belong to --sasl-mechanism.', 2)
  return { mechanism, username, password: readText(passwordFile, context).replace(/\r?\n$/, '') }
}

function readText(path: string, context: CliContext): string {
  try {
    return readFileSync(resolve(context.workingDirectory, path), 'utf8')
  } catch (error) {
    throw new CliError(`${path} cannot be read: ${(error as Error).message}`, 1, error)
  }
}

/** Whoever waits should know for what. */
function loggerOf(context: CliContext): ClientLogger {
  return {
    debug: () => undefined,
    info: () => undefined,
    warn(facts, message) {
      const error = 'error' in facts && facts.error instanceof Error ? `: ${facts.error.message}` : ''
      context.complain(`${message}${error}\n`)
    },
  }
}
