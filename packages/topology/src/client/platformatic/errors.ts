import {
  AuthenticationError,
  NetworkError,
  protocolErrors,
  protocolErrorsCodesById,
  TimeoutError,
  UserError,
} from '@platformatic/kafka'
import { TopologyError, type RetryAdvice, type TopologyErrorCode } from '../../errors.ts'
import { ErrorCode } from './error-codes.ts'

const NEVER: RetryAdvice = { kind: 'never' }
const BACKOFF: RetryAdvice = { kind: 'backoff' }

const CODES: ReadonlyMap<number, TopologyErrorCode> = new Map<number, TopologyErrorCode>([
  [ErrorCode.offsetOutOfRange, 'TOPOLOGY_OFFSET_OUT_OF_RANGE'],
  [ErrorCode.unknownTopicOrPartition, 'TOPOLOGY_TOPIC_MISSING'],
  [ErrorCode.unknownTopicId, 'TOPOLOGY_TOPIC_MISSING'],
  [ErrorCode.messageTooLarge, 'TOPOLOGY_RECORD_TOO_LARGE'],
  [ErrorCode.recordListTooLarge, 'TOPOLOGY_RECORD_TOO_LARGE'],
  [ErrorCode.illegalGeneration, 'TOPOLOGY_MEMBER_FENCED'],
  [ErrorCode.unknownMemberId, 'TOPOLOGY_MEMBER_FENCED'],
  [ErrorCode.rebalanceInProgress, 'TOPOLOGY_MEMBER_FENCED'],
  [ErrorCode.fencedInstanceId, 'TOPOLOGY_MEMBER_FENCED'],
  [ErrorCode.fencedMemberEpoch, 'TOPOLOGY_MEMBER_FENCED'],
  [ErrorCode.staleMemberEpoch, 'TOPOLOGY_MEMBER_FENCED'],
  [ErrorCode.topicAuthorizationFailed, 'TOPOLOGY_AUTHORIZATION_FAILED'],
  [ErrorCode.groupAuthorizationFailed, 'TOPOLOGY_AUTHORIZATION_FAILED'],
  [ErrorCode.clusterAuthorizationFailed, 'TOPOLOGY_AUTHORIZATION_FAILED'],
  [ErrorCode.transactionalIdAuthorizationFailed, 'TOPOLOGY_AUTHORIZATION_FAILED'],
  [ErrorCode.saslAuthenticationFailed, 'TOPOLOGY_AUTHORIZATION_FAILED'],
  [ErrorCode.delegationTokenAuthorizationFailed, 'TOPOLOGY_AUTHORIZATION_FAILED'],
  [ErrorCode.invalidProducerEpoch, 'TOPOLOGY_PRODUCER_FENCED'],
  [ErrorCode.producerFenced, 'TOPOLOGY_PRODUCER_FENCED'],
])

/**
 * Where the protocol's table says otherwise: final for whoever carried the epoch; or to be had after a while, sequences
 * because the producer finds its way back by itself.
 */
const RETRY_OVERRIDES: ReadonlyMap<number, RetryAdvice> = new Map<number, RetryAdvice>([
  [ErrorCode.rebalanceInProgress, NEVER],
  [ErrorCode.fencedMemberEpoch, NEVER],
  [ErrorCode.staleMemberEpoch, NEVER],
  [ErrorCode.unreleasedInstanceId, BACKOFF],
  [ErrorCode.outOfOrderSequenceNumber, BACKOFF],
  [ErrorCode.unknownProducerId, BACKOFF],
  [ErrorCode.invalidProducerIdMapping, BACKOFF],
  [ErrorCode.unstableOffsetCommit, BACKOFF],
])

/** An error code in a broker's answer. @example `brokerError(6, 'Producing to orders-3')` */
export function brokerError(code: number, what: string, detail?: string | null): TopologyError {
  const id = protocolErrorsCodesById[code]
  const definition = id === undefined ? undefined : protocolErrors[id]
  const advice = RETRY_OVERRIDES.get(code) ?? (definition?.canRetry === true ? BACKOFF : NEVER)
  const explanation = detail || definition?.message || 'no description'
  return new TopologyError(
    CODES.get(code) ?? 'TOPOLOGY_BROKER_ERROR',
    `${what}: the broker answered ${id ?? 'an unknown error'} (${code}), ${explanation}`,
    { retry: advice },
  )
}

/** Whatever the client threw. Decided by class: the `code` of its TimeoutError is that of a network error. */
export function translateError(error: unknown, what: string): TopologyError {
  if (TopologyError.is(error)) return error
  if (!(error instanceof Error))
    return new TopologyError('TOPOLOGY_BROKER_ERROR', `${what} failed`, { cause: error })
  const options = { cause: error }
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof AuthenticationError)
      return new TopologyError('TOPOLOGY_AUTHORIZATION_FAILED', `${what}: ${cause.message}`, options)
    // The client's own word for a wrong set-up, a broker that wants TLS for one.
    if (cause instanceof UserError)
      return new TopologyError('TOPOLOGY_CONFIG_INVALID', `${what}: ${cause.message}`, options)
  }
  const retry = { retry: BACKOFF, ...options }
  if (isConnectionError(error))
    return new TopologyError('TOPOLOGY_BROKER_UNAVAILABLE', `${what}: ${error.message}`, retry)
  // An answer that could not be parsed: the connection is dropped, another attempt may fare better.
  return new TopologyError('TOPOLOGY_BROKER_ERROR', `${what}: ${error.message}`, retry)
}

/** The transaction can only be aborted, and its work repeated. */
export function transactionOver(what: string, cause: TopologyError): TopologyError {
  return new TopologyError(
    'TOPOLOGY_TRANSACTION_ABORTED',
    `${what} in a transaction that is over: ${cause.message}`,
    { cause },
  )
}

export function isConnectionError(error: unknown): boolean {
  return error instanceof NetworkError || error instanceof TimeoutError
}

export function closedError(what: string): TopologyError {
  return new TopologyError('TOPOLOGY_CLOSED', `${what} is closed`)
}
