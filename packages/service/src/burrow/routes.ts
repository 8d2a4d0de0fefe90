import { hostname } from 'node:os'
import type { CommitHistory, CommitPoint } from '@tributary/topology'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ConsumerJudge } from './consumer-judge.ts'
import type { GroupStatus, PartitionStatus } from './evaluate.ts'

export interface BurrowRoutesOptions {
  /** What Burrow calls the cluster in its paths. */
  readonly cluster: string
  readonly group: string
  readonly clientId: string
  /** `host:port` each. */
  readonly brokers: readonly string[]
  /** Between two looks at the ends of the partitions. */
  readonly commitHistoryEndsMs: number
  readonly judge: ConsumerJudge
  readonly histories: () => readonly CommitHistory[]
}

/*
 * Burrow's HTTP API (https://github.com/linkedin/Burrow/wiki/HTTP-Endpoint, core/internal/httpserver) for the one group that
 * the service is, so that dashboards and checks built on Burrow go on. A process knows of the partitions that it has.
 */

interface ClusterPath {
  readonly cluster: string
}
interface ConsumerPath extends ClusterPath {
  readonly consumer: string
}
interface TopicPath extends ClusterPath {
  readonly topic: string
}

export function addBurrowRoutes(server: FastifyInstance, options: BurrowRoutesOptions): void {
  const { cluster, group, histories } = options
  const topics = (): readonly string[] => [...new Set(histories().map(({ topic }) => topic))].toSorted()
  const isKnown = (path: ClusterPath & Partial<ConsumerPath>): boolean =>
    path.cluster === cluster && (path.consumer === undefined || path.consumer === group)

  server.get('/burrow/admin', (_, reply) => reply.type('text/plain').send('GOOD'))
  server.get('/v3/kafka', request => answer(request, 'cluster list returned', { clusters: [cluster] }))
  server.get<{ Params: ClusterPath }>('/v3/kafka/:cluster', (request, reply) =>
    isKnown(request.params)
      ? answer(request, 'cluster module detail returned', { module: clusterModule(options) })
      : unknown(request, reply, 'cluster module not found'),
  )
  server.get<{ Params: ClusterPath }>('/v3/kafka/:cluster/consumer', (request, reply) =>
    isKnown(request.params)
      ? answer(request, 'consumer list returned', { consumers: [group] })
      : unknown(request, reply, 'cluster not found'),
  )
  server.get<{ Params: ConsumerPath }>('/v3/kafka/:cluster/consumer/:consumer', (request, reply) =>
    isKnown(request.params)
      ? answer(request, 'consumer detail returned', { topics: consumerTopics(options) })
      : unknown(request, reply, 'cluster or consumer not found'),
  )
  for (const [path, showsAll] of [
    ['status', false],
    ['lag', true],
  ] as const)
    server.get<{ Params: ConsumerPath }>(
      `/v3/kafka/:cluster/consumer/:consumer/${path}`,
      (request, reply) => {
        const known = isKnown(request.params)
        const status = known ? groupStatus(options, showsAll) : notFound(request.params)
        return reply.code(known ? 200 : 404).send(answer(request, 'consumer status returned', { status }))
      },
    )
  server.get<{ Params: ClusterPath }>('/v3/kafka/:cluster/topic', (request, reply) =>
    isKnown(request.params)
      ? answer(request, 'topic list returned', { topics: topics() })
      : unknown(request, reply, 'cluster not found'),
  )
  server.get<{ Params: TopicPath }>('/v3/kafka/:cluster/topic/:topic', (request, reply) =>
    isKnown(request.params) && topics().includes(request.params.topic)
      ? answer(request, 'topic offsets returned', { offsets: endOffsets(histories(), request.params.topic) })
      : unknown(request, reply, 'cluster or topic not found'),
  )
  server.get<{ Params: TopicPath }>('/v3/kafka/:cluster/topic/:topic/consumers', (request, reply) =>
    isKnown(request.params)
      ? answer(request, 'consumers of topic returned', {
          consumers: topics().includes(request.params.topic) ? [group] : [],
        })
      : unknown(request, reply, 'cluster not found'),
  )
}

function requestInfo(request: FastifyRequest): object {
  return { url: request.url.split('?')[0], host: hostname() }
}

function answer(request: FastifyRequest, message: string, facts: object): object {
  return { error: false, message, ...facts, request: requestInfo(request) }
}

function unknown(request: FastifyRequest, reply: FastifyReply, message: string): FastifyReply {
  return reply.code(404).send({ error: true, message, request: requestInfo(request) })
}

/** What Burrow has of a cluster in its configuration. Topics are looked at once, at start. */
function clusterModule({ brokers, clientId, commitHistoryEndsMs }: BurrowRoutesOptions): object {
  return {
    'class-name': 'kafka',
    servers: brokers,
    'client-profile': { name: '', 'client-id': clientId, 'kafka-version': '', tls: null, sasl: null },
    'topic-refresh': 0,
    'offset-refresh': Math.round(commitHistoryEndsMs / 1_000),
  }
}

function groupStatus(options: BurrowRoutesOptions, showsAll: boolean): object {
  const { cluster, group, judge } = options
  const status: GroupStatus = judge.status()
  const shown = showsAll ? status.partitions : status.partitions.filter(each => each.status !== 'OK')
  return {
    cluster,
    group,
    status: status.status,
    complete: status.complete,
    partitions: shown.map(each => partitionStatus(each, options)),
    partition_count: status.partitions.length,
    maxlag: status.maxLag === undefined ? null : partitionStatus(status.maxLag, options),
    totallag: status.totalLag,
  }
}

function notFound({ cluster, consumer }: ConsumerPath): object {
  return {
    cluster,
    group: consumer,
    status: 'NOTFOUND',
    complete: 1,
    partitions: [],
    partition_count: 0,
    maxlag: null,
    totallag: 0,
  }
}

function partitionStatus(
  { topic, partition, status, start, end, currentLag, complete }: PartitionStatus,
  { clientId }: BurrowRoutesOptions,
): object {
  return {
    topic,
    partition,
    owner: hostname(),
    client_id: clientId,
    status,
    start: start === undefined ? null : commit(start),
    end: end === undefined ? null : commit(end),
    current_lag: currentLag,
    complete,
  }
}

function commit({ offset, timestampMs, lag }: CommitPoint): object {
  return { offset, timestamp: timestampMs, observedAt: timestampMs, lag }
}

/** By topic, one entry per partition up to the last one that is known. What is not committed yet is null, at the start. */
function consumerTopics({ histories, clientId }: BurrowRoutesOptions): Record<string, object[]> {
  const topics: Record<string, object[]> = {}
  for (const { topic, partition, commits, intervals, currentLag } of histories()) {
    const partitions = (topics[topic] ??= [])
    while (partitions.length <= partition)
      partitions.push({ offsets: [], owner: '', client_id: '', 'current-lag': 0 })
    const missing = Array.from({ length: intervals - commits.length }, () => null)
    partitions[partition] = {
      offsets: [...missing, ...commits.map(commit)],
      owner: hostname(),
      client_id: clientId,
      'current-lag': currentLag,
    }
  }
  return topics
}

function endOffsets(histories: readonly CommitHistory[], topic: string): readonly number[] {
  return histories
    .filter(history => history.topic === topic)
    .toSorted((a, b) => a.partition - b.partition)
    .map(({ commits, currentLag }) => (commits.at(-1) as CommitPoint).offset + currentLag)
}
