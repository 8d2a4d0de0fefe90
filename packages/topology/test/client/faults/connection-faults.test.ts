import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { AuthenticationError, Connection, NetworkError, Writer } from '@platformatic/kafka'
import { Api, mended, startFakeBroker } from './fake-broker.ts'

/* The client's bare connection. docs/decisions/0008 has the list. */

const LINK = 'src/client/platformatic/broker-link.ts'

/** Takes connections and leaves the rest to the test. Returns its port. */
async function listen(t: TestContext, onSocket: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = []
  const server: Server = createServer({ allowHalfOpen: true }, socket => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    onSocket(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

function openConnection(t: TestContext, options: ConstructorParameters<typeof Connection>[1]): Connection {
  const connection = new Connection('faults', options)
  connection.on('error', () => undefined)
  t.after(() => connection.socket?.destroy())
  return connection
}

async function connect(connection: Connection, port: number): Promise<void> {
  await connection.connect('127.0.0.1', port)
}

test('a broker that is named by its address is asked for that address as a server name', async t => {
  const hello = Promise.withResolvers<Buffer>()
  const port = await listen(t, socket => socket.once('data', hello.resolve))
  const connection = openConnection(t, { tls: {}, tlsServerName: true, connectTimeout: 200 })
  connect(connection, port).catch(() => undefined)
  // RFC 6066, section 3: literal addresses are not permitted in a server name.
  const isNamed = (await hello.promise).includes('127.0.0.1')
  assert.ok(isNamed, mended('addresses as server names', `${LINK} (tlsServerName)`))
})

test('a refused login is a network error that may be tried again, and its connection stays open', async t => {
  const broker = await startFakeBroker(t, ({ apiKey }) => {
    if (apiKey === Api.saslHandshake)
      return Writer.create()
        .appendInt16(0)
        .appendArray(['PLAIN'], (w, name) => void w.appendString(name, false), false, false)
    if (apiKey === Api.saslAuthenticate)
      return Writer.create()
        .appendInt16(58)
        .appendString('no')
        .appendInt32(1)
        .appendInt64(0n)
        .appendTaggedFields()
    return undefined
  })
  const connection = openConnection(t, { sasl: { mechanism: 'PLAIN', username: 'u', password: 'p' } })
  const error: unknown = await connect(connection, broker.port).catch((cause: unknown) => cause)
  assert.ok(error instanceof NetworkError && error['canRetry'] === true)
  const workaround = 'src/client/platformatic/errors.ts (translateError, its walk over the causes)'
  assert.ok(error.cause instanceof AuthenticationError, mended('the class of a refused login', workaround))
  // The first thing that it could do about the socket it has done by now, and so has `close`.
  await connection.close()
  assert.equal(
    connection.socket.destroyed,
    false,
    mended('the socket of a refused login', `${LINK} (#connect)`),
  )
})

test('closing a connection waits until a peer that does not read has read everything', async t => {
  const port = await listen(t, socket => socket.pause())
  const connection = openConnection(t, {})
  await connect(connection, port)
  const request = Writer.create().append(Buffer.alloc(32 * 1_048_576))
  connection.send(
    0,
    9,
    () => request,
    () => undefined,
    true,
    true,
    () => undefined,
  )
  await new Promise(setImmediate)
  assert.ok(connection.socket.writableLength > 0)
  connection.close().catch(() => undefined)
  assert.equal(connection.socket.destroyed, false, mended('a close without end', `${LINK} (close)`))
})
