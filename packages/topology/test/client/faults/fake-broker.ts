import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { Reader, Writer } from '@platformatic/kafka'

/* Just enough of a broker to see what the client sends and to answer it: one node, flexible requests only. */

export interface FakeRequest {
  readonly apiKey: number
  /** Behind the request's header. */
  readonly body: Reader
}

/** The answer's body, `undefined` for no answer at all. */
export type Respond = (request: FakeRequest) => Writer | undefined

export interface FakeBroker {
  readonly host: string
  readonly port: number
  readonly address: string
  /** From now on what arrives on the connections that are open is not answered. New ones work. */
  makeHalfOpen(): void
  /** The requests that were not answered for that, by their keys. */
  readonly swallowed: readonly number[]
}

export const Api = {
  produce: 0,
  metadata: 3,
  findCoordinator: 10,
  saslHandshake: 17,
  apiVersions: 18,
  initProducerId: 22,
  addPartitionsToTxn: 24,
  addOffsetsToTxn: 25,
  endTxn: 26,
  txnOffsetCommit: 28,
  saslAuthenticate: 36,
} as const

/** The versions that the fake speaks, each of which has a flexible header. */
const VERSIONS: readonly (readonly [apiKey: number, version: number])[] = [
  [Api.produce, 9],
  [Api.metadata, 12],
  [Api.findCoordinator, 4],
  [Api.apiVersions, 3],
  [Api.initProducerId, 4],
  [Api.addPartitionsToTxn, 3],
  [Api.addOffsetsToTxn, 4],
  [Api.endTxn, 4],
  [Api.txnOffsetCommit, 4],
]

const TOPIC_ID = '11111111-2222-4333-8444-555555555555'

/** `topics` have four partitions each. What `respond` leaves undefined is answered without an error, where that is known. */
export async function startFakeBroker(
  t: TestContext,
  respond: Respond = () => undefined,
  topics: readonly string[] = ['orders'],
): Promise<FakeBroker> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    let received = Buffer.alloc(0)
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk])
      while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
        const end = 4 + received.readInt32BE(0)
        answer(socket, received.subarray(4, end))
        received = received.subarray(end)
      }
    })
  })
  const halfOpen = new Set<Socket>()
  const swallowed: number[] = []
  const answer = (socket: Socket, frame: Buffer): void => {
    const reader = Reader.from(frame)
    const apiKey = reader.readInt16()
    if (halfOpen.has(socket)) {
      swallowed.push(apiKey)
      return
    }
    const version = reader.readInt16()
    const correlationId = reader.readInt32()
    reader.readNullableString(false)
    if (apiKey === Api.saslHandshake || (apiKey === Api.apiVersions && version === 1)) {
      const body =
        respond({ apiKey, body: reader }) ?? Writer.create().appendInt16(35).appendInt32(0).appendInt32(0)
      socket.write(Writer.create().appendInt32(correlationId).appendFrom(body).prependLength().buffer)
      return
    }
    reader.readTaggedFields()
    const body = respond({ apiKey, body: reader }) ?? standardAnswer({ apiKey, body: reader }, broker, topics)
    if (body === undefined) return
    const header = Writer.create().appendInt32(correlationId)
    // ApiVersions is answered with the old header, so that any client can read it.
    if (apiKey !== Api.apiVersions) header.appendTaggedFields()
    socket.write(header.appendFrom(body).prependLength().buffer)
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const broker = {
    host: '127.0.0.1',
    port,
    address: `127.0.0.1:${port}`,
    swallowed,
    makeHalfOpen() {
      for (const socket of sockets) halfOpen.add(socket)
    },
  }
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return broker
}

function standardAnswer(
  { apiKey, body }: FakeRequest,
  broker: FakeBroker,
  topics: readonly string[],
): Writer | undefined {
  switch (apiKey) {
    case Api.apiVersions:
      return Writer.create()
        .appendInt16(0)
        .appendArray([...VERSIONS], (w, [key, version]) => {
          w.appendInt16(key).appendInt16(version).appendInt16(version)
        })
        .appendInt32(0)
        .appendTaggedFields()
    case Api.metadata:
      return metadataAnswer(
        broker,
        topics.map(name => ({ name, errorCode: 0 })),
      )
    case Api.findCoordinator:
      body.skip(1)
      return Writer.create()
        .appendInt32(0)
        .appendArray(
          body.readArray(() => body.readString(), true, false),
          (w, key) => {
            w.appendString(key)
              .appendInt32(1)
              .appendString(broker.host)
              .appendInt32(broker.port)
              .appendInt16(0)
              .appendString(null)
          },
        )
        .appendTaggedFields()
    case Api.initProducerId:
      return Writer.create().appendInt32(0).appendInt16(0).appendInt64(7n).appendInt16(0).appendTaggedFields()
    case Api.addOffsetsToTxn:
    case Api.endTxn:
      return Writer.create().appendInt32(0).appendInt16(0).appendTaggedFields()
    default:
      return undefined
  }
}

export function metadataAnswer(
  { host, port }: { readonly host: string; readonly port: number },
  topics: readonly { readonly name: string; readonly errorCode: number }[],
): Writer {
  return Writer.create()
    .appendInt32(0)
    .appendArray([1], (w, nodeId) => {
      w.appendInt32(nodeId).appendString(host).appendInt32(port).appendString(null)
    })
    .appendString('cluster')
    .appendInt32(1)
    .appendArray([...topics], (w, { name, errorCode }) => {
      w.appendInt16(errorCode)
        .appendString(name)
        .appendUUID(TOPIC_ID)
        .appendBoolean(false)
        .appendArray(errorCode === 0 ? [0, 1, 2, 3] : [], (part, partition) => {
          part.appendInt16(0).appendInt32(partition).appendInt32(1).appendInt32(0)
          for (let lists = 0; lists < 3; lists += 1)
            part.appendArray(lists === 2 ? [] : [1], (node, id) => void node.appendInt32(id), true, false)
        })
        .appendInt32(0)
    })
    .appendTaggedFields()
}

/** What AddPartitionsToTxn of version 3 is answered with, and TxnOffsetCommit of version 4: they look the same. */
export function partitionCodes(
  topic: string,
  codes: readonly (readonly [partition: number, code: number])[],
): Writer {
  return Writer.create()
    .appendInt32(0)
    .appendArray([topic], (w, name) => {
      w.appendString(name).appendArray([...codes], (part, [partition, code]) => {
        part.appendInt32(partition).appendInt16(code)
      })
    })
    .appendTaggedFields()
}

/** What a test says when the client no longer does what it shows: then the workaround is of no use any more. */
export function mended(what: string, workaround: string): string {
  return `the client has mended ${what}: the workaround in ${workaround} can go`
}
