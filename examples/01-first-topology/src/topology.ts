import { avro, streamTopic, string, tableTopic, topology } from '@tributary/topology'

const booking = avro({
  type: 'record',
  name: 'Booking',
  fields: [
    { name: 'bookingId', type: 'string' },
    { name: 'city', type: 'string' },
  ],
})
const customer = avro({
  type: 'record',
  name: 'Customer',
  fields: [
    { name: 'firstName', type: 'string' },
    { name: 'optedIn', type: 'boolean' },
  ],
})

// Each topic is described once; every type below is inferred from here.
export const bookings = streamTopic('bookings', { key: string(), value: booking })
export const customers = tableTopic('customers', { key: string(), value: customer })
export const greetings = streamTopic('greetings', { key: string(), value: string() })

const builder = topology('greeter')
builder
  .stream(bookings)
  .join(builder.table(customers), {
    joiner: ({ city }, { firstName, optedIn }) => ({ city, firstName, optedIn }),
  })
  .filter(({ optedIn }) => optedIn)
  .mapValues(({ city, firstName }) => `Enjoy ${city}, ${firstName}!`)
  .to(greetings)

export const greeter = builder.build()
