import { avro, string, tableTopic, type SerdeValue, type TableTopic } from '@tributary/topology'

const customer = avro({
  type: 'record',
  namespace: 'com.marketplace.customer',
  name: 'Customer',
  fields: [
    { name: 'customerId', type: 'string' },
    { name: 'email', type: 'string' },
    { name: 'firstName', type: 'string' },
    { name: 'language', type: 'string', doc: 'ISO 639-1' },
    { name: 'country', type: 'string', doc: 'ISO 3166-1 alpha-2' },
    { name: 'marketingOptIn', type: 'boolean' },
  ],
})

const activity = avro({
  type: 'record',
  namespace: 'com.marketplace.catalog',
  name: 'Activity',
  fields: [
    { name: 'activityId', type: 'string' },
    { name: 'title', type: 'string' },
    { name: 'city', type: 'string' },
    { name: 'country', type: 'string' },
    { name: 'latitude', type: 'double' },
    { name: 'longitude', type: 'double' },
    { name: 'category', type: 'string' },
  ],
})

export type Customer = SerdeValue<typeof customer>
export type Activity = SerdeValue<typeof activity>

/** Partitioned like `customer-events`: the row of a customer is where the customer's events are. */
export const customers: TableTopic<string, Customer> = tableTopic('customers', {
  key: string(),
  value: customer,
})

/** Small enough for every process to hold it whole. */
export const activities: TableTopic<string, Activity> = tableTopic('activities', {
  key: string(),
  value: activity,
})
