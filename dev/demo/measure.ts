import type { Admin } from '@platformatic/kafka'
import { countDeadLetters, readOffsets } from './kafka/offsets.ts'
import { GROUPS } from './kafka/topics.ts'
import type { DemoOptions, ScaledService } from './options.ts'
import type { Outcome } from './report.ts'
import { readPartitionShares } from './services/partition-shares.ts'
import { readReceived, readState } from './services/simulator.ts'
import type { RunningServices } from './start-services.ts'
import { compare, type Received } from './verify/compare.ts'
import type { Expectation } from './verify/expected.ts'

export interface Finished {
  readonly options: DemoOptions
  readonly admin: Admin
  readonly services: RunningServices
  readonly expected: Expectation
  readonly seconds: number
}

/** What has come of a run, as Kafka and Braze tell it. */
export async function measure({
  options,
  admin,
  services,
  expected,
  seconds,
}: Finished): Promise<{ readonly outcome: Outcome; readonly received: Received }> {
  const simulatorUrl = services.brazeSimulator.url
  const received = await readReceived(simulatorUrl, expected.attributes.keys())
  const state = await readState(simulatorUrl)
  const { marketingEvents, lag } = await readOffsets(admin)
  const { differences, ...counts } = compare(expected, received)
  const outcome: Outcome = {
    figures: {
      domainEvents: options.events,
      marketingEvents,
      brazeEvents: state.events.kept,
      brazeRequests: state.requests.total,
      meanBatchFill: Math.round(state.meanFill * 100) / 100,
      deadLetters: await countDeadLetters(admin),
      ...counts,
      lagAtEnd: lag,
      seconds,
    },
    overlaps: state.overlaps.count,
    malformed: options.malformed,
    shares: await readShares(services),
    differences,
  }
  return { outcome, received }
}

async function readShares({
  scaled,
}: RunningServices): Promise<Readonly<Record<ScaledService, readonly number[]>>> {
  const of = (service: ScaledService): Promise<readonly number[]> =>
    readPartitionShares(scaled[service], GROUPS[service])
  return { 'marketing-events': await of('marketing-events'), 'braze-sink': await of('braze-sink') }
}
