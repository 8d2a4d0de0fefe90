import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { FIRST_DAY_MS } from '../demo/data/journeys.ts'
import { numbered } from '../demo/data/lookups.ts'
import { Random } from '../demo/data/random.ts'

/** A booking that a customer has. It follows from the customer's id alone, so that nothing has to be kept. */
export interface StandInBooking {
  readonly bookingId: string
  readonly activityId: string
  readonly title: string
  readonly city: string
  readonly country: string
  /** Milliseconds since the epoch. */
  readonly startsAt: number
}

export type ApiFault =
  | { readonly kind: 'none' }
  /** Connections are reset. */
  | { readonly kind: 'outage' }
  /** Answers take so long. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** This part of the requests, from 0 to 1, is answered with statuses that a retry can mend. */
  | { readonly kind: 'errors'; readonly share: number }

const HOUR_MS = 3_600_000
const ERROR_STATUSES = [500, 502, 503, 429]

/** Soonest first. */
export function bookingsOf(customerId: string): readonly StandInBooking[] {
  const random = new Random(0, `bookings of ${customerId}`)
  return Array.from({ length: random.between(0, 3) }, (_, index) => ({
    bookingId: `${customerId}-upcoming-${index + 1}`,
    activityId: numbered('activity', random.between(1, 100), 3),
    title: `A plan of ${customerId}`,
    city: 'Wien',
    country: 'AT',
    startsAt: FIRST_DAY_MS + random.between(0, 24) * HOUR_MS,
  })).toSorted((one, other) => one.startsAt - other.startsAt)
}

/** Answers what `activities-api` answers, and fails as it is told to. */
export class ActivitiesStandIn {
  readonly url: string
  fault: ApiFault = { kind: 'none' }
  readonly #server
  readonly #random: Random

  private constructor(server: ReturnType<typeof createServer>, seed: number) {
    this.#server = server
    this.#random = new Random(seed, 'failures of the API')
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  static async start(seed: number): Promise<ActivitiesStandIn> {
    const server = createServer()
    await new Promise<void>(resolve => server.listen({ host: '127.0.0.1', port: 0 }, resolve))
    const standIn = new ActivitiesStandIn(server, seed)
    server.on('request', (request, response) => standIn.#handle(request, response))
    return standIn
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { fault } = this
    switch (fault.kind) {
      case 'none':
        answer(request, response)
        return
      case 'outage':
        request.socket.resetAndDestroy()
        return
      case 'slow':
        setTimeout(() => answer(request, response), fault.ms).unref()
        return
      case 'errors':
        if (!this.#random.chance(fault.share)) answer(request, response)
        else response.writeHead(this.#random.pick(ERROR_STATUSES)).end('{"code":"MADE_UP"}')
        return
    }
  }
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '', 'http://stand-in')
  const match = /^\/customers\/([^/]+)\/upcoming-activities$/.exec(url.pathname)
  if (match === null) {
    response.writeHead(404).end()
    return
  }
  const customerId = decodeURIComponent(match[1]!)
  const after = Number(url.searchParams.get('after'))
  const activities = bookingsOf(customerId)
    .filter(({ startsAt }) => startsAt > after)
    .map(booking => ({ ...booking, startsAt: new Date(booking.startsAt).toISOString() }))
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ customerId, activities }))
}
