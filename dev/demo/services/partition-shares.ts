import { setTimeout as sleep } from 'node:timers/promises'
import { DemoError } from '../demo-error.ts'
import type { ServiceProcess } from './service-processes.ts'

interface StatusAnswer {
  readonly tasks: readonly { readonly sources: readonly { readonly topic: string }[] }[]
}

/** A member hears at its next heartbeat, by default within 5 s, that it has to give partitions up. */
const SHARE_DEADLINE_MS = 45_000
const POLL_MS = 100

/** How many partitions of its topic each process holds, as it says itself. */
export async function readPartitionShares(
  processes: readonly Pick<ServiceProcess, 'name' | 'url'>[],
  topic: string,
): Promise<readonly number[]> {
  return await Promise.all(
    processes.map(async ({ url }) => {
      const { tasks } = (await (await fetch(`${url}/status`)).json()) as StatusAnswer
      return tasks.flatMap(({ sources }) => sources).filter(source => source.topic === topic).length
    }),
  )
}

/**
 * Resolves when each process holds its part of the partitions: the first one to join the group gets them all.
 * @throws DemoError DEMO_NOT_SHARED
 */
export async function untilShared(
  processes: readonly Pick<ServiceProcess, 'name' | 'url'>[],
  { topic, partitions, deadlineMs = SHARE_DEADLINE_MS }: SharedTopic,
): Promise<void> {
  const fairShare = Math.floor(partitions / processes.length)
  const deadline = performance.now() + deadlineMs
  for (;;) {
    const shares = await readPartitionShares(processes, topic)
    const held = shares.reduce((sum, share) => sum + share, 0)
    if (held === partitions && shares.every(share => share >= fairShare)) return
    if (performance.now() > deadline) {
      throw new DemoError(
        'DEMO_NOT_SHARED',
        `${processes.map(({ name }) => name).join(', ')} hold ${shares.join(', ')} of the ${partitions} partitions of ${topic} after ${deadlineMs / 1_000} s, and each should hold ${fairShare} at least: their logs say why.`,
      )
    }
    await sleep(POLL_MS)
  }
}

export interface SharedTopic {
  readonly topic: string
  readonly partitions: number
  readonly deadlineMs?: number
}
