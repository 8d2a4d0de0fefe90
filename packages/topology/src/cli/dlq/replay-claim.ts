import type { GroupMember, KafkaClient } from '../../client/ports.ts'
import { systemClock, type Clock } from '../../clock.ts'
import { CliError } from '../context.ts'

/** Longer than the session of a replay that was killed, which holds its partitions until it ends. */
const PATIENCE_MS = 60_000
const SILENCE_MS = 3_000

export interface Claim {
  readonly member: GroupMember
  /** @throws CliError once the topic is no longer this replay's alone */
  check(): void
  leave(): Promise<void>
}

export interface ClaimOptions {
  readonly groupId: string
  readonly topic: string
  readonly partitions: number
  readonly clock: Clock | undefined
  readonly signal: AbortSignal | undefined
  readonly onWait: () => void
}

/** Becomes the one member of the replay's group: with all partitions here, nobody else plays them. */
export async function claimTopic(kafka: KafkaClient, options: ClaimOptions): Promise<Claim> {
  const { groupId, topic, partitions, clock = systemClock } = options
  const member = kafka.createGroupMember({ groupId, topics: [topic], sessionTimeoutMs: 10_000 })
  const owned = new Set<number>()
  const complete = Promise.withResolvers<void>()
  let failure: Error | undefined
  const lost = new CliError(`Another replay of ${topic} has begun: this one stops.`, 1)
  const giveUp = (error: Error): void => {
    failure ??= error
    complete.reject(error)
  }
  const onGone = (): Promise<void> => {
    giveUp(lost)
    return Promise.resolve()
  }
  const cancels = [
    clock.schedule(SILENCE_MS, options.onWait),
    clock.schedule(PATIENCE_MS, () =>
      giveUp(
        new CliError(
          `The group ${groupId} did not get all partitions of ${topic} within ${PATIENCE_MS / 1_000} s: another replay is running.`,
          1,
        ),
      ),
    ),
  ]
  const onAbort = (): void => giveUp(new CliError('Interrupted.', 1))
  options.signal?.addEventListener('abort', onAbort)
  complete.promise.catch(() => undefined)
  try {
    await member.join({
      onAssigned: assigned => {
        for (const { partition } of assigned) owned.add(partition)
        if (owned.size === partitions) complete.resolve()
        return Promise.resolve()
      },
      onRevoked: onGone,
      onLost: onGone,
      onError: giveUp,
    })
    await complete.promise
  } catch (error) {
    await member.leave()
    throw error
  } finally {
    for (const cancel of cancels) cancel()
    options.signal?.removeEventListener('abort', onAbort)
  }
  return {
    member,
    check() {
      if (failure !== undefined) throw failure
    },
    leave: () => member.leave(),
  }
}
