import { defineAvro, type InferAvro, type KStream } from '@tributary/topology'
import type { DomainEventOf } from '../domain/customer-events.ts'
import type { Lookups } from '../lookups.ts'
import { eventFields } from '../schema-parts.ts'

/** Somebody became a customer. Brings the profile to marketing, so that the first message can greet by name. */
export const accountCreatedSchema = defineAvro({
  type: 'record',
  namespace: 'com.marketplace.marketing',
  name: 'AccountCreated',
  fields: [
    ...eventFields,
    { name: 'email', type: 'string' },
    { name: 'firstName', type: 'string' },
    { name: 'language', type: 'string' },
    { name: 'country', type: 'string' },
    { name: 'channel', type: 'string' },
  ],
})

export type AccountCreated = InferAvro<typeof accountCreatedSchema>

export function accountCreated(
  accounts: KStream<string, DomainEventOf<'accountCreated'>>,
  { customers }: Lookups,
): KStream<string, { type: 'accountCreated'; value: AccountCreated }> {
  return accounts
    .join(customers, { joiner: (account, customer) => ({ account, customer }) })
    .filter(({ customer }) => customer.marketingOptIn)
    .mapValues(({ account, customer }) => ({
      type: 'accountCreated',
      value: {
        eventId: account.eventId,
        customerId: account.customerId,
        occurredAt: account.occurredAt,
        email: customer.email,
        firstName: customer.firstName,
        language: customer.language,
        country: customer.country,
        channel: account.channel.toLowerCase(),
      },
    }))
}
