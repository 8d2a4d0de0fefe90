import { defineAvro } from '@tributary/topology'

/* The schemas of the folder `schemas`, as a stream author writes them down; a test holds the two against each other. */

const time = defineAvro({ type: 'long', logicalType: 'timestamp-millis' })

export const bookingSchema = defineAvro({
  type: 'record',
  namespace: 'tributary.bench',
  name: 'Booking',
  fields: [
    { name: 'bookingId', type: 'string' },
    { name: 'customerId', type: 'string' },
    { name: 'activityId', type: 'string' },
    { name: 'bookedAt', type: time },
    { name: 'startsAt', type: time },
    { name: 'quantity', type: 'int' },
    {
      name: 'price',
      type: {
        type: 'record',
        name: 'Price',
        fields: [
          { name: 'amount', type: 'double' },
          { name: 'currency', type: 'string' },
        ],
      },
    },
    { name: 'promoCode', type: ['null', 'string'], default: null },
    { name: 'tags', type: { type: 'array', items: 'string' } },
  ],
})

export const customerSchema = defineAvro({
  type: 'record',
  namespace: 'tributary.bench',
  name: 'Customer',
  fields: [
    { name: 'customerId', type: 'string' },
    { name: 'email', type: 'string' },
    { name: 'firstName', type: 'string' },
    { name: 'locale', type: 'string' },
    { name: 'marketingOptIn', type: 'boolean' },
  ],
})

export const activitySchema = defineAvro({
  type: 'record',
  namespace: 'tributary.bench',
  name: 'Activity',
  fields: [
    { name: 'activityId', type: 'string' },
    { name: 'title', type: 'string' },
    { name: 'city', type: 'string' },
    { name: 'country', type: 'string' },
    { name: 'lat', type: 'double' },
    { name: 'lon', type: 'double' },
    { name: 'category', type: 'string' },
  ],
})

export const marketingEventSchema = defineAvro({
  type: 'record',
  namespace: 'tributary.bench',
  name: 'MarketingEvent',
  fields: [
    { name: 'name', type: 'string' },
    { name: 'externalId', type: 'string' },
    { name: 'time', type: time },
    {
      name: 'properties',
      type: {
        type: 'record',
        name: 'EventProperties',
        fields: [
          { name: 'bookingId', type: 'string' },
          { name: 'title', type: 'string' },
          { name: 'city', type: 'string' },
          { name: 'country', type: 'string' },
          { name: 'startsAt', type: time },
          { name: 'quantity', type: 'int' },
          { name: 'amount', type: 'double' },
          { name: 'currency', type: 'string' },
          { name: 'locale', type: 'string' },
        ],
      },
    },
  ],
})
