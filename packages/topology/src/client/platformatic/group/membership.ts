import type { Clock } from '../../../clock.ts'
import type { ClientLogger } from '../options.ts'
import type { Cluster } from '../cluster.ts'
import type { Coordinator } from '../coordinator.ts'
import type { Ownership } from '../../ownership.ts'

/** What commits carry, so that the group can tell a member of the past. */
export interface MemberIdentity {
  readonly memberId: string
  readonly epoch: number
}

/** One way of being in a group. */
export interface Membership {
  /** Undefined before the group has accepted the member, and after it has put it out. */
  readonly identity: MemberIdentity | undefined
  /** Resolves when the group has accepted the member. Rejects when it never will. */
  join(): Promise<void>
  /** A commit has met a newer epoch than ours: ask for it now. */
  refresh(): void
  /** Revokes, then tells the group. */
  leave(): Promise<void>
  /** Ends without a word to anybody. */
  stop(): void
}

export interface MembershipOptions {
  readonly cluster: Cluster
  readonly coordinator: Coordinator
  readonly ownership: Ownership
  readonly groupId: string
  readonly topics: readonly string[]
  readonly instanceId: string | null
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** The member cannot go on. */
  readonly onFailed: (error: Error) => void
}

/** How long a farewell may take: a group that does not hear it waits for the end of the session. */
export const FAREWELL_TIMEOUT_MS = 5_000

/** A wait that can be cut short. */
export class Pause {
  readonly #clock: Clock
  #end: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  wait(ms: number): Promise<void> {
    return new Promise(resolve => {
      const cancel = this.#clock.schedule(ms, () => this.#end?.())
      this.#end = () => {
        cancel()
        this.#end = undefined
        resolve()
      }
    })
  }

  cut(): void {
    this.#end?.()
  }
}

/** Gives the farewell its time, and never rejects. */
export async function sayFarewell(
  settings: { readonly clock: Clock; readonly logger: ClientLogger },
  groupId: string,
  farewell: Promise<unknown>,
): Promise<void> {
  const done = new AbortController()
  const timeout = settings.clock.sleep(FAREWELL_TIMEOUT_MS, { signal: done.signal }).catch(() => undefined)
  const said = farewell.catch((error: unknown) => {
    settings.logger.warn({ groupId, error }, 'the group could not be told that a member leaves')
  })
  await Promise.race([said, timeout])
  done.abort()
}
