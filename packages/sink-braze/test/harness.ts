import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { createSimulator, type Simulator, type SimulatorOptions } from '@tributary/braze-simulator'
import type { DeliveryItem, DeliveryOutcome } from '@tributary/topology'
import { brazeDestination, type BrazeDestination } from '../src/destination.ts'
import type { BrazeMemory } from '../src/memory.ts'
import { brazeEvent, type BrazeObject } from '../src/objects.ts'
import type { BrazeDestinationOptions } from '../src/options.ts'

export const API_KEY = 'secret-test-key'
const NEVER = new AbortController().signal

/** A simulator on a port of its own, and a destination that sends to it. */
export async function withSimulator(
  t: TestContext,
  options: Partial<SimulatorOptions> = {},
  overrides: Partial<BrazeDestinationOptions> = {},
): Promise<{ simulator: Simulator; destination: BrazeDestination; fault(fault: object): Promise<void> }> {
  const simulator = createSimulator({ apiKey: API_KEY, ...options })
  t.after(() => simulator.close())
  const url = await simulator.app.listen({ port: 0, host: '127.0.0.1' })
  const destination = destinationTo(t, url, overrides)
  const fault = async (payload: object): Promise<void> => {
    const { statusCode, body } = await simulator.app.inject({
      method: 'POST',
      url: '/_simulator/faults',
      payload,
    })
    if (statusCode !== 201) throw new Error(body)
  }
  return { simulator, destination, fault }
}

export function destinationTo(
  t: TestContext,
  url: string,
  overrides: Partial<BrazeDestinationOptions> = {},
): BrazeDestination {
  const destination = brazeDestination({ url, apiKey: API_KEY, ...overrides })
  t.after(() => destination.close())
  return destination
}

export type Handler = (body: Body, response: ServerResponse, request: IncomingMessage) => void
export type Body = Readonly<Partial<Record<'attributes' | 'events' | 'purchases', readonly Entry[]>>>
export type Entry = Readonly<Record<string, unknown>>

/** A server that answers as the test says. @returns its URL */
export async function serve(t: TestContext, handle: Handler): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => handle(JSON.parse(Buffer.concat(chunks).toString()) as Body, response, request))
  })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export function answer(
  response: ServerResponse,
  status: number,
  body: unknown = { message: 'success' },
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

export function event(externalId: string, properties: Readonly<Record<string, string>> = {}): BrazeObject {
  return brazeEvent({ external_id: externalId, name: 'booked', time: '2026-03-01T10:00:00Z', properties })
}

export function deliver(
  destination: BrazeDestination,
  objects: readonly BrazeObject[],
  signal: AbortSignal = NEVER,
): Promise<readonly DeliveryOutcome<BrazeMemory>[]> {
  const context = { topic: 't', partition: 0, offset: 0, timestampMs: 0, headers: [] }
  const items = objects.map((value): DeliveryItem<BrazeObject, BrazeMemory> => ({
    key: null,
    value,
    context,
    attempts: 0,
  }))
  return destination.deliver(items, { signal, isUrgent: true })
}

export const kindsOf = (outcomes: readonly DeliveryOutcome[]): string[] => outcomes.map(({ kind }) => kind)
