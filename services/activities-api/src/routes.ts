import type { FastifyInstance } from 'fastify'
import type { UpcomingQuestion } from './bookings.ts'
import { findUpcoming } from './bookings.ts'
import type { Clock } from './clock.ts'
import type { Database } from './database.ts'
import { ActivitiesError } from './errors.ts'
import { readInstant } from './instant.ts'

/** Activities per customer: what is answered when the request does not say, and at most. */
const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1_000
/** Questions in one request. */
const MAX_QUESTIONS = 1_000

const customerId = { type: 'string', minLength: 1, maxLength: 200 } as const
const after = { type: ['string', 'integer'] } as const
const text = { type: 'string' } as const

const activities = {
  type: 'array',
  items: {
    type: 'object',
    properties: { bookingId: text, activityId: text, title: text, city: text, country: text, startsAt: text },
  },
} as const
const customerAnswer = { type: 'object', properties: { customerId: text, activities } } as const

interface OneCustomer {
  Params: { readonly customerId: string }
  Querystring: { readonly after?: string; readonly limit?: string }
}

const ONE_CUSTOMER = {
  params: { type: 'object', properties: { customerId } },
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: { after: text, limit: text },
  },
  response: { 200: customerAnswer },
} as const

interface ManyCustomers {
  Body: {
    readonly customerIds?: readonly string[]
    readonly queries?: readonly { readonly customerId: string; readonly after: string | number }[]
    readonly after?: string | number
    readonly limit?: number
  }
}

const MANY_CUSTOMERS = {
  body: {
    type: 'object',
    additionalProperties: false,
    properties: {
      customerIds: { type: 'array', maxItems: MAX_QUESTIONS, items: customerId },
      queries: {
        type: 'array',
        maxItems: MAX_QUESTIONS,
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['customerId', 'after'],
          properties: { customerId, after },
        },
      },
      after,
      limit: { type: 'integer', minimum: 1, maximum: MAX_LIMIT },
    },
  },
  response: { 200: { type: 'object', properties: { customers: { type: 'array', items: customerAnswer } } } },
} as const

export function addRoutes(app: FastifyInstance, database: Database, clock: Clock): void {
  const timeOf = (value: string | number | undefined, where: string): Date =>
    value === undefined ? new Date(clock.now()) : readInstant(value, where)

  app.get<OneCustomer>(
    '/customers/:customerId/upcoming-activities',
    { schema: ONE_CUSTOMER },
    async ({ params, query }) => {
      const question = { customerId: params.customerId, after: timeOf(query.after, 'after') }
      refuseUnstorable([question])
      const [found] = await findUpcoming(database, [question], limitOf(query.limit))
      return { customerId: params.customerId, activities: found }
    },
  )

  app.post<ManyCustomers>('/upcoming-activities/query', { schema: MANY_CUSTOMERS }, async ({ body }) => {
    const questions = questionsOf(body, timeOf)
    refuseUnstorable(questions)
    const found = await findUpcoming(database, questions, body.limit ?? DEFAULT_LIMIT)
    return {
      customers: questions.map(({ customerId: id }, index) => ({ customerId: id, activities: found[index] })),
    }
  })
}

/** Customers who share one `after`, or pairs with an `after` each: a stream asks about several moments at once. */
function questionsOf(
  body: ManyCustomers['Body'],
  timeOf: (value: string | number | undefined, where: string) => Date,
): UpcomingQuestion[] {
  const { customerIds, queries } = body
  if (customerIds !== undefined && queries === undefined) {
    const shared = timeOf(body.after, 'after')
    return customerIds.map(id => ({ customerId: id, after: shared }))
  }
  if (queries !== undefined && customerIds === undefined && body.after === undefined)
    return queries.map((query, index) => ({
      customerId: query.customerId,
      after: timeOf(query.after, `queries[${index}].after`),
    }))
  const message =
    'The body must have either customerIds, with one after for all, or queries, with an after each'
  throw new ActivitiesError('ACTIVITIES_REQUEST_INVALID', message)
}

function limitOf(value: string | undefined): number {
  if (value === undefined) return DEFAULT_LIMIT
  const limit = /^\d{1,4}$/.test(value) ? Number(value) : 0
  if (limit >= 1 && limit <= MAX_LIMIT) return limit
  const message = `limit is ${JSON.stringify(value)}; allowed is a whole number from 1 to ${MAX_LIMIT}`
  throw new ActivitiesError('ACTIVITIES_REQUEST_INVALID', message)
}

/** Postgres has no text with a NUL, so nobody can have such an id; to it the query would be an error. */
function refuseUnstorable(questions: readonly UpcomingQuestion[]): void {
  if (questions.every(question => !question.customerId.includes('\0'))) return
  throw new ActivitiesError('ACTIVITIES_REQUEST_INVALID', 'A customerId must not contain a NUL character')
}
