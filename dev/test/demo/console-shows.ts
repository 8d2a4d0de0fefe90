import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { Producer } from '@platformatic/kafka'
import type { Customer } from '@tributary/marketing-events'
import { openPage } from '../../../services/console/test/browser.ts'
import { until } from '../scratch.ts'
import {
  deadLettersEqual,
  everyPageIsAccessible,
  goTo,
  overviewEquals,
  sharesEqual,
  tableEquals,
} from './console-pages.ts'
import { KafkaReader } from './kafka-reader.ts'

export interface Shown {
  /** With the token. */
  readonly address: string
  readonly simulator: string
  /** As it stands in the topic of customers. */
  readonly customer: Customer
  /** Instances by their names. */
  readonly streams: readonly string[]
  readonly sinks: readonly string[]
}

/** All is delivered, then Braze shuts the sink out while more comes in: so there is lag that stays, and an error. */
export async function consoleShowsWhatKafkaHolds(
  t: TestContext,
  { address, simulator, customer, streams, sinks }: Shown,
): Promise<void> {
  const brokers = process.env['KAFKA_BROKERS']!.split(',')
  const reader = new KafkaReader(brokers)
  t.after(() => reader.close())
  const change = async (options: object): Promise<void> => {
    const answer = await fetch(`${simulator}/_simulator/options`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(options),
    })
    assert.equal(answer.status, 200)
  }
  const { page, complaints } = await openPage(t, address)
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  const sinkProgress = () => reader.progress('braze-sink', 'marketing-events')

  await change({ apiKey: 'another-key' })
  const events = await reader.read('customer-events')
  const producer = new Producer({ clientId: 'console-test', bootstrapBrokers: brokers })
  t.after(() => producer.close())
  await producer.send({
    messages: events
      .slice(0, 40)
      .map(({ partition, key, value }) => ({ topic: 'customer-events', partition, key, value })),
  })
  await page
    .getByText(/^braze-sink-[12] delivers nothing to Braze: /)
    .first()
    .waitFor()

  await overviewEquals(page, streams, () => reader.progress('marketing-events', 'customer-events'))
  await overviewEquals(page, sinks, sinkProgress)
  await sharesEqual(page, { brokers, group: 'braze-sink', instances: sinks })
  const lag = (await sinkProgress()).reduce((sum, { committed, end }) => sum + end - committed, 0)
  assert.ok(lag > 0)
  await page
    .getByRole('table', { name: 'Applications' })
    .getByRole('row', { name: new RegExp(`^braze-sink ${lag} records `) })
    .waitFor()

  await goTo(page, 'Sink')
  await page
    .getByRole('row', { name: /^Invalid API key 401 BRAZE_UNAUTHORIZED \/users\/track / })
    .first()
    .waitFor()
  const accepted = await page.getByText(/ objects since the start$/).allInnerTexts()
  const shown = accepted.map(text => Number(/([\d,]+) objects since/.exec(text)![1]!.replace(',', '')))
  const { attributes, events: kept, purchases } = await acceptedBy(simulator)
  assert.equal(
    shown.reduce((sum, each) => sum + each, 0),
    attributes + kept + purchases,
    accepted.join(),
  )

  await tableEquals(page, reader, customer)
  await deadLettersEqual(page, reader, { topic: 'marketing-events-dead-letters', source: 'customer-events' })
  await everyPageIsAccessible(page)
  assert.deepEqual(complaints, [])
  // So that nothing is left to be sent when the demo ends.
  await change({ apiKey: 'demo-key' })
  await until(async () => (await sinkProgress()).every(({ committed, end }) => committed === end))
}

interface Accepted {
  readonly attributes: number
  readonly events: number
  readonly purchases: number
}

/** Objects, by what stands in for Braze. */
async function acceptedBy(simulator: string): Promise<Accepted> {
  const answer = await fetch(`${simulator}/_simulator/state`)
  return ((await answer.json()) as { readonly objects: { readonly accepted: Accepted } }).objects.accepted
}
