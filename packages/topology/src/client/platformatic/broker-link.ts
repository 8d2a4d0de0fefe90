import {
  type API,
  Connection,
  ResponseError,
  TimeoutError,
  type Reader,
  type Writer,
} from '@platformatic/kafka'
import { isIP } from 'node:net'
import { closedError } from './errors.ts'
import type { Address, ClientSettings } from './options.ts'

/** A request that has no ready-made form in the client. Flexible headers both ways. */
export interface RawRequest<R> {
  readonly apiKey: number
  readonly version: number
  readonly payload: Writer
  readonly parse: (reader: Reader) => R
}

export interface BrokerLinkEvents {
  /** A request, sent at that time on the monotonic clock, was not answered in time. */
  onTimeout(sentAtMs: number): void
  onClosed(link: BrokerLink): void
}

export interface BrokerLinkOptions {
  readonly address: () => Address
  readonly events: BrokerLinkEvents
  /** Default: the client's. */
  readonly requestTimeoutMs?: number | undefined
}

/**
 * A connection to one broker that opens itself on use and again after a failure. Requests leave in the order of the
 * calls. A failed call rejects with the client's error; whoever makes it decides about another attempt.
 */
export class BrokerLink {
  readonly #settings: ClientSettings
  readonly #address: () => Address
  readonly #requestTimeoutMs: number
  readonly #events: BrokerLinkEvents
  #underWay = 0
  #heardAtMs = 0
  #connecting: Promise<Connection> | undefined
  #isClosed = false

  constructor(settings: ClientSettings, options: BrokerLinkOptions) {
    this.#settings = settings
    this.#address = options.address
    this.#events = options.events
    this.#requestTimeoutMs = options.requestTimeoutMs ?? settings.requestTimeoutMs
  }

  /**
   * One of the client's own requests. Its parsers throw when any part of an answer carries an error code; here such an
   * answer is returned as it is, because the other parts count too: look at its error codes.
   */
  call<A extends unknown[], R>(api: API<A, R>, ...args: A): Promise<R> {
    return this.#use(async connection => {
      try {
        return await api.async(connection, ...args)
      } catch (error) {
        if (error instanceof ResponseError && error['response'] !== undefined) return error['response'] as R
        throw error
      }
    })
  }

  send<R>(request: RawRequest<R>): Promise<R> {
    const { apiKey, version, payload, parse } = request
    return this.#use(
      connection =>
        new Promise<R>((resolve, reject) => {
          connection.send<R>(
            apiKey,
            version,
            () => payload,
            (_correlationId, _apiKey, _version, reader) => parse(reader),
            true,
            true,
            (error, response) => (error === null ? resolve(response as R) : reject(error)),
          )
        }),
    )
  }

  /** Gives up a connection that nobody waits on and that has said nothing since then: the next call opens another. */
  dropIfSilentSince(ms: number): void {
    if (this.#underWay === 0 && this.#heardAtMs <= ms) this.#drop()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#events.onClosed(this)
    const connecting = this.#connecting
    this.#connecting = undefined
    const connection = await connecting?.catch(() => undefined)
    // What is under way is of no use any more, and `close` would wait until all of it is written: on a dead connection, never.
    connection?.socket.destroy()
  }

  async #use<R>(run: (connection: Connection) => Promise<R>): Promise<R> {
    if (this.#isClosed) throw closedError('The connection')
    // Every call waits for the same promise, also when it is settled: that keeps their order.
    const connecting = (this.#connecting ??= this.#connect())
    const { clock } = this.#settings
    const sentAtMs = clock.monotonicMs()
    this.#underWay += 1
    try {
      const answer = await run(await connecting)
      this.#heardAtMs = clock.monotonicMs()
      return answer
    } catch (error) {
      // What follows on a connection that has failed once cannot be told from what belongs to the failed request.
      if (this.#connecting === connecting) this.#drop()
      if (error instanceof TimeoutError && !this.#isClosed) this.#events.onTimeout(sentAtMs)
      throw this.#isClosed ? closedError('The connection') : error
    } finally {
      this.#underWay -= 1
    }
  }

  #drop(): void {
    const connecting = this.#connecting
    this.#connecting = undefined
    connecting?.then(
      connection => connection.socket.destroy(),
      () => undefined,
    )
  }

  async #connect(): Promise<Connection> {
    const { host, port } = this.#address()
    const options = this.#settings.connection
    const connection = new Connection(this.#settings.clientId, {
      ...options,
      requestTimeout: this.#requestTimeoutMs,
      // The host's name for TLS, where it has one: an address is not a valid server name.
      tlsServerName: options.tls?.servername ?? isIP(host) === 0,
    })
    // An emitter without a listener throws. Every caller hears of the error through its own request.
    connection.on('error', () => undefined)
    try {
      await connection.connect(host, port)
    } catch (error) {
      // After a refused login it is still open on our side.
      connection.socket?.destroy()
      throw error
    }
    const connecting = this.#connecting
    connection.once('close', () => {
      if (this.#connecting === connecting) this.#connecting = undefined
    })
    if (this.#isClosed) connection.socket.destroy()
    return connection
  }
}
