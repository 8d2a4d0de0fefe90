import type { BrazeErrorCode } from './errors.ts'

/** A request that went wrong, or had objects refused. Nothing in it is a customer's, and no key. */
export interface LatestError {
  /** Such as `/users/track`. */
  readonly endpoint: string
  /** Undefined for a request without an answer. */
  readonly status: number | undefined
  readonly code: BrazeErrorCode
  /** In Braze's words where they hold no value, else in ours. */
  readonly says: string
  /** Milliseconds since the epoch. */
  readonly firstAtMs: number
  readonly atMs: number
  readonly count: number
}

/** More than a page shows; told apart by everything but the time. */
const MAX_KEPT = 20

/** The latest of them, for an operator who asks what Braze said and when. */
export class LatestErrors {
  /** The latest first. */
  #kept: readonly LatestError[] = []

  get list(): readonly LatestError[] {
    return this.#kept
  }

  add(found: Pick<LatestError, 'endpoint' | 'status' | 'code' | 'says'>, nowMs: number): void {
    const isSame = (other: LatestError): boolean =>
      other.endpoint === found.endpoint &&
      other.status === found.status &&
      other.code === found.code &&
      other.says === found.says
    const before = this.#kept.find(isSame)
    const { endpoint, status, code, says } = found
    const times = { firstAtMs: before?.firstAtMs ?? nowMs, atMs: nowMs, count: (before?.count ?? 0) + 1 }
    this.#kept = [
      { endpoint, status, code, says, ...times },
      ...this.#kept.filter(other => other !== before),
    ].slice(0, MAX_KEPT)
  }
}
