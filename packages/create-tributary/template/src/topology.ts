import { streamTopic, string, tableTopic, topology } from '@tributary/topology'
import { bookingSerde } from './generated/booking.ts'
import { customerSerde } from './generated/customer.ts'
import { greetingSerde, type Greeting } from './generated/greeting.ts'

// Each topic is described once; the types of everything below come from here. All three have the customer's id for a key.
export const bookings = streamTopic('bookings', { key: string(), value: bookingSerde })
export const customers = tableTopic('customers', { key: string(), value: customerSerde })
export const greetings = streamTopic('greetings', { key: string(), value: greetingSerde })

// The id names the consumer group, and with it the topology's place in its inputs.
const builder = topology('my-topology')

builder
  .stream(bookings)
  .join(builder.table(customers), {
    joiner: ({ bookingId, city }, { firstName, optedIn }) => ({ bookingId, city, firstName, optedIn }),
  })
  .filter(({ optedIn }) => optedIn)
  .mapValues(({ bookingId, city, firstName }): Greeting => {
    return { bookingId, text: `Enjoy ${city}, ${firstName}!` }
  })
  .to(greetings)

export const greeter = builder.build()
