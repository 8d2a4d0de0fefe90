import type { FastifyInstance } from 'fastify'
import type { Clock } from './clock.ts'
import { ActivitiesError } from './errors.ts'

/** Faults that a test or a demonstration orders. */
export interface OrderedFaults {
  /** Every answer comes this much later. */
  readonly delayMs: number
  /** This share of the requests fails with status 500. */
  readonly failureRate: number
  /** Connections are closed without an answer, and the service is not ready. */
  readonly isDown: boolean
}

const NO_FAULTS: OrderedFaults = { delayMs: 0, failureRate: 0, isDown: false }

const FAULTS_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    delayMs: { type: 'integer', minimum: 0, maximum: 600_000 },
    failureRate: { type: 'number', minimum: 0, maximum: 1 },
    isDown: { type: 'boolean' },
  },
} as const

export interface FaultSwitchParts {
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  readonly closing: AbortSignal
}

/** `/_control/faults`: GET shows the faults, PUT sets them (what is left out is off), DELETE ends them. */
export function addFaultSwitch(app: FastifyInstance, { clock, random, closing }: FaultSwitchParts): void {
  let faults = NO_FAULTS
  app.get('/_control/faults', () => faults)
  app.put('/_control/faults', { schema: { body: FAULTS_SCHEMA } }, request => {
    faults = { ...NO_FAULTS, ...(request.body as Partial<OrderedFaults>) }
    return faults
  })
  app.delete('/_control/faults', () => {
    faults = NO_FAULTS
    return faults
  })
  app.addHook('onRequest', async (request, reply) => {
    if (request.url.startsWith('/_control/') || request.url === '/health/live') return
    // A service that is slow or failing still tells so; one that is gone does not.
    if (request.url === '/metrics' && !faults.isDown) return
    if (faults.delayMs > 0) await clock.sleep(faults.delayMs, closing)
    if (faults.isDown) {
      reply.hijack()
      request.raw.socket.destroy()
      return
    }
    if (random() < faults.failureRate)
      throw new ActivitiesError('ACTIVITIES_FAULT_ORDERED', 'This failure was ordered by /_control/faults')
  })
}
