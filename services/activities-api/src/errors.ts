/**
 * - `ACTIVITIES_CONFIG_INVALID`: the environment does not say what the service needs; thrown at start.
 * - `ACTIVITIES_BOOKING_INVALID`: a booking that cannot be stored, with its place among those given.
 * - `ACTIVITIES_REQUEST_INVALID` (400): the message says what is allowed.
 * - `ACTIVITIES_PATH_UNKNOWN` (404)
 * - `ACTIVITIES_DATABASE_UNAVAILABLE` (503): asking again can help.
 * - `ACTIVITIES_FAULT_ORDERED` (500): a failure that was ordered by `/_control/faults`.
 * - `ACTIVITIES_INTERNAL` (500)
 */
export type ActivitiesErrorCode =
  | 'ACTIVITIES_CONFIG_INVALID'
  | 'ACTIVITIES_BOOKING_INVALID'
  | 'ACTIVITIES_REQUEST_INVALID'
  | 'ACTIVITIES_PATH_UNKNOWN'
  | 'ACTIVITIES_DATABASE_UNAVAILABLE'
  | 'ACTIVITIES_FAULT_ORDERED'
  | 'ACTIVITIES_INTERNAL'

export class ActivitiesError extends Error {
  override readonly name = 'ActivitiesError'
  readonly code: ActivitiesErrorCode

  constructor(code: ActivitiesErrorCode, message: string, options?: { readonly cause: unknown }) {
    super(message, options)
    this.code = code
  }
}
