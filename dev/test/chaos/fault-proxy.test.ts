import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { FaultProxy } from '../../chaos/fault-proxy.ts'
import { until } from '../scratch.ts'

interface Echo {
  readonly proxy: FaultProxy
  /** The server's ends of its connections. */
  readonly accepted: readonly Socket[]
}

/** A server that sends back what it gets, behind a proxy. */
async function echoBehindProxy(t: TestContext): Promise<Echo> {
  const accepted: Socket[] = []
  const server = createServer(socket => {
    accepted.push(socket)
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  server.listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const proxy = await FaultProxy.start((server.address() as AddressInfo).port)
  t.after(async () => {
    await proxy.close()
    for (const socket of accepted) socket.destroy()
    server.close()
  })
  return { proxy, accepted }
}

interface Client {
  readonly socket: Socket
  received: string
  error: NodeJS.ErrnoException | undefined
  isClosed: boolean
}

async function clientOf(t: TestContext, proxy: FaultProxy): Promise<Client> {
  const socket = connect({ host: '127.0.0.1', port: proxy.port })
  const client: Client = { socket, received: '', error: undefined, isClosed: false }
  socket.setEncoding('utf8')
  socket.on('data', text => (client.received += text))
  socket.on('error', error => (client.error = error))
  socket.on('close', () => (client.isClosed = true))
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  return client
}

/** When one through another proxy has its answer, bytes that were sent before it have arrived where they can. */
async function roundTripElsewhere(t: TestContext): Promise<void> {
  const { proxy } = await echoBehindProxy(t)
  const witness = await clientOf(t, proxy)
  witness.socket.write('w')
  await until(() => witness.received === 'w')
}

test('without a fault bytes go through in both directions, and an end is passed on', async t => {
  const { proxy, accepted } = await echoBehindProxy(t)
  const client = await clientOf(t, proxy)
  client.socket.write('hello')
  await until(() => client.received === 'hello')
  client.socket.end(' world')
  await until(() => client.isClosed)
  assert.equal(client.received, 'hello world')
  assert.equal(client.error, undefined)
  await until(() => accepted[0]!.destroyed && proxy.connections === 0)
})

test('latency holds bytes back in both directions and keeps their order, also when it ends meanwhile', async t => {
  const { proxy } = await echoBehindProxy(t)
  const client = await clientOf(t, proxy)
  client.socket.write('-')
  await until(() => client.received === '-')
  proxy.setLatency(150)
  const startedAt = performance.now()
  client.socket.write('slow')
  await until(() => client.received === '-slow')
  assert.ok(performance.now() - startedAt >= 295, 'there and back are two latencies')
  client.socket.write('1')
  await roundTripElsewhere(t)
  proxy.setLatency(0)
  client.socket.write('2')
  await until(() => client.received.length === 7)
  assert.equal(client.received, '-slow12')
})

test('a reset ends what is open at both ends, and new connections go through', async t => {
  const { proxy, accepted } = await echoBehindProxy(t)
  const client = await clientOf(t, proxy)
  client.socket.write('x')
  await until(() => client.received === 'x')
  proxy.resetAll()
  await until(() => client.isClosed && accepted[0]!.destroyed)
  assert.equal(client.error?.code, 'ECONNRESET')
  const next = await clientOf(t, proxy)
  next.socket.write('y')
  await until(() => next.received === 'y')
})

test('a silent proxy takes connections and bytes, tells nothing, and passes everything on afterwards', async t => {
  const { proxy } = await echoBehindProxy(t)
  const before = await clientOf(t, proxy)
  before.socket.write('a')
  await until(() => before.received === 'a')
  proxy.setSilent(true)
  before.socket.write('b')
  const during = await clientOf(t, proxy)
  during.socket.write('c')
  await until(() => proxy.connections === 2)
  await roundTripElsewhere(t)
  assert.deepEqual([before.received, during.received], ['a', ''])
  assert.deepEqual([before.isClosed, during.isClosed], [false, false])
  proxy.setSilent(false)
  await until(() => before.received === 'ab' && during.received === 'c')
})

test('a client of a half-open connection is told nothing, not even when it writes; a new one goes through', async t => {
  const { proxy, accepted } = await echoBehindProxy(t)
  const client = await clientOf(t, proxy)
  client.socket.write('a')
  await until(() => client.received === 'a')
  proxy.loseServerSide()
  await until(() => accepted[0]!.destroyed)
  client.socket.write('b')
  const next = await clientOf(t, proxy)
  next.socket.write('c')
  await until(() => next.received === 'c')
  assert.deepEqual(
    [client.received, client.isClosed, client.error],
    ['a', false, undefined],
    'what was sent is swallowed and nothing is heard',
  )
  client.socket.destroy()
  await until(() => proxy.connections === 1)
})

test('a proxy that refuses resets what is open and takes nothing new until it accepts again at its address', async t => {
  const { proxy } = await echoBehindProxy(t)
  const client = await clientOf(t, proxy)
  await proxy.refuse()
  await until(() => client.isClosed)
  await assert.rejects(clientOf(t, proxy), { code: 'ECONNREFUSED' })
  await proxy.accept()
  const next = await clientOf(t, proxy)
  next.socket.write('y')
  await until(() => next.received === 'y')
})
