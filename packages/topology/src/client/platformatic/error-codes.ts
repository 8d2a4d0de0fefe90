/** The broker's error codes that this adapter decides by (https://kafka.apache.org/protocol#protocol_error_codes). */
export const ErrorCode = {
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeaderOrFollower: 6,
  replicaNotAvailable: 9,
  messageTooLarge: 10,
  coordinatorLoadInProgress: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  recordListTooLarge: 18,
  illegalGeneration: 22,
  unknownMemberId: 25,
  rebalanceInProgress: 27,
  topicAuthorizationFailed: 29,
  groupAuthorizationFailed: 30,
  clusterAuthorizationFailed: 31,
  unsupportedVersion: 35,
  topicAlreadyExists: 36,
  notController: 41,
  outOfOrderSequenceNumber: 45,
  duplicateSequenceNumber: 46,
  invalidProducerEpoch: 47,
  invalidTxnState: 48,
  invalidProducerIdMapping: 49,
  concurrentTransactions: 51,
  transactionalIdAuthorizationFailed: 53,
  operationNotAttempted: 55,
  kafkaStorageError: 56,
  saslAuthenticationFailed: 58,
  unknownProducerId: 59,
  delegationTokenAuthorizationFailed: 65,
  groupIdNotFound: 69,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 75,
  offsetNotAvailable: 78,
  memberIdRequired: 79,
  fencedInstanceId: 82,
  invalidRecord: 87,
  unstableOffsetCommit: 88,
  producerFenced: 90,
  unknownTopicId: 100,
  fencedMemberEpoch: 110,
  unreleasedInstanceId: 111,
  staleMemberEpoch: 113,
  transactionAbortable: 120,
} as const

const MOVED: ReadonlySet<number> = new Set([
  ErrorCode.unknownTopicOrPartition,
  ErrorCode.leaderNotAvailable,
  ErrorCode.notLeaderOrFollower,
  ErrorCode.replicaNotAvailable,
  ErrorCode.kafkaStorageError,
  ErrorCode.fencedLeaderEpoch,
  ErrorCode.unknownLeaderEpoch,
  ErrorCode.unknownTopicId,
])

/** The partition is led by another broker than the one that was asked: look it up again. */
export function isMoved(code: number): boolean {
  return MOVED.has(code)
}

/** The group is led by another broker, or by none at the moment: look it up again. */
export function isCoordinatorMoved(code: number): boolean {
  return code === ErrorCode.notCoordinator || code === ErrorCode.coordinatorNotAvailable
}

const TRANSACTION_OVER: ReadonlySet<number> = new Set([
  ErrorCode.outOfOrderSequenceNumber,
  ErrorCode.invalidProducerEpoch,
  ErrorCode.invalidTxnState,
  ErrorCode.invalidProducerIdMapping,
  ErrorCode.unknownProducerId,
  ErrorCode.producerFenced,
  ErrorCode.transactionAbortable,
])

/** Nothing can be added to the transaction any more, and it will never be committed. */
export function endsTransaction(code: number): boolean {
  return TRANSACTION_OVER.has(code)
}
