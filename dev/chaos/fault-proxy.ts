import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

const HOST = '127.0.0.1'
/** An end goes through like bytes do, instead of being answered here. */
const OPTIONS = { allowHalfOpen: true, noDelay: true }

/** A connection that goes through: what the client holds, and what the server holds. */
interface Passage {
  readonly client: Socket
  readonly server: Socket
  /** What is under way in each direction while there is latency. */
  readonly delays: { readonly up: DelayLine; readonly down: DelayLine }
  isHalfOpen: boolean
}

/**
 * Stands between clients and one server on loopback, and breaks the network between them as it is told to. Faults are
 * switched while connections are open.
 */
export class FaultProxy {
  readonly port: number
  readonly #targetPort: number
  readonly #passages = new Set<Passage>()
  #server: Server | undefined
  #latencyMs = 0
  #isSilent = false

  private constructor(port: number, targetPort: number, server: Server) {
    this.port = port
    this.#targetPort = targetPort
    this.#server = server
  }

  static async start(targetPort: number): Promise<FaultProxy> {
    const server = createServer(OPTIONS)
    const port = await listen(server, 0)
    const proxy = new FaultProxy(port, targetPort, server)
    server.on('connection', client => proxy.#accept(client))
    return proxy
  }

  /** `host:port`, for clients. */
  get address(): string {
    return `${HOST}:${this.port}`
  }

  get connections(): number {
    return this.#passages.size
  }

  /** Bytes take so long, in either direction. 0: none. */
  setLatency(ms: number): void {
    this.#latencyMs = ms
  }

  /** Each connection is reset at both ends. New ones go through. */
  resetAll(): void {
    for (const { client, server } of this.#passages) {
      client.resetAndDestroy()
      server.resetAndDestroy()
    }
  }

  /**
   * While it holds not a byte goes through, in either direction, and nobody is told: connections stay, new ones are
   * taken. Afterwards the bytes go on where they stopped, as TCP's retransmission does it.
   */
  setSilent(isSilent: boolean): void {
    this.#isSilent = isSilent
    for (const { client, server } of this.#passages) {
      for (const socket of [client, server]) {
        if (isSilent) socket.pause()
        else socket.resume()
      }
    }
  }

  /**
   * The server loses the connections that are open now, and the clients never hear of it: what they send is swallowed.
   * New connections go through. As after a reboot of what stands between, which forgets its connections.
   */
  loseServerSide(): void {
    for (const passage of this.#passages) {
      passage.isHalfOpen = true
      passage.server.destroy()
    }
  }

  /** Refuses new connections and resets those that are open, until `accept`. */
  async refuse(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    this.resetAll()
    await closed
  }

  async accept(): Promise<void> {
    if (this.#server !== undefined) return
    const server = createServer(OPTIONS, client => this.#accept(client))
    this.#server = server
    await listen(server, this.port)
  }

  /** No fault holds any more. Half-open connections stay what they are: nothing but their client can end them. */
  async heal(): Promise<void> {
    this.setLatency(0)
    this.setSilent(false)
    await this.accept()
  }

  async close(): Promise<void> {
    await this.refuse()
  }

  #accept(client: Socket): void {
    const server = connect({ ...OPTIONS, host: HOST, port: this.#targetPort })
    const passage: Passage = {
      client,
      server,
      delays: { up: new DelayLine(), down: new DelayLine() },
      isHalfOpen: false,
    }
    this.#passages.add(passage)
    this.#pass(passage, 'up')
    this.#pass(passage, 'down')
    client.on('close', () => {
      server.destroy()
      passage.delays.up.clear()
      passage.delays.down.clear()
      this.#passages.delete(passage)
    })
    server.on('close', hadError => {
      if (hadError && !passage.isHalfOpen) client.resetAndDestroy()
    })
    if (this.#isSilent) {
      client.pause()
      server.pause()
    }
  }

  #pass(passage: Passage, direction: 'up' | 'down'): void {
    const [from, to] =
      direction === 'up' ? [passage.client, passage.server] : [passage.server, passage.client]
    from.on('error', () => {})
    from.on('data', bytes =>
      this.#carry(passage, direction, () => {
        if (to.writable) to.write(bytes)
        else if (!passage.isHalfOpen) from.resetAndDestroy()
      }),
    )
    from.on('end', () => {
      if (passage.isHalfOpen) from.destroy()
      else this.#carry(passage, direction, () => void to.end())
    })
  }

  #carry(passage: Passage, direction: 'up' | 'down', act: () => void): void {
    passage.delays[direction].carry(this.#latencyMs, act)
  }
}

/**
 * Carries one direction of a connection, each act after its latency and never before the one ahead of it. One timer for
 * all: two timers that fall due in the same millisecond may fire in either order.
 */
class DelayLine {
  #waiting: { readonly atMs: number; readonly act: () => void }[] = []
  #timer: NodeJS.Timeout | undefined

  carry(latencyMs: number, act: () => void): void {
    if (latencyMs === 0 && this.#waiting.length === 0) {
      act()
      return
    }
    this.#waiting.push({ atMs: performance.now() + latencyMs, act })
    this.#schedule()
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#waiting = []
  }

  #schedule(): void {
    const [first] = this.#waiting
    if (first === undefined || this.#timer !== undefined) return
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        const nowMs = performance.now()
        const next = this.#waiting.findIndex(({ atMs }) => atMs > nowMs)
        const due = this.#waiting.splice(0, next < 0 ? this.#waiting.length : next)
        for (const { act } of due) act()
        this.#schedule()
      },
      Math.max(0, first.atMs - performance.now()),
    )
  }
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: HOST, port }, resolve)
  })
  return (server.address() as AddressInfo).port
}
