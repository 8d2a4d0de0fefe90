import { randomInt } from 'node:crypto'
import { connect, createServer } from 'node:net'

// Below the range from which systems give ports to outgoing connections (32768 on Linux, 49152 elsewhere), so that
// a port found free here is not handed to some connection before the server binds it.
const FREE_PORTS = { min: 20_000, max: 30_000 }
const CONNECT_DEADLINE_MS = 200

export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FREE_PORTS.min, FREE_PORTS.max)
    if (await isPortFree(port)) return port
  }
}

export async function usualOrFreePort(usual: number): Promise<number> {
  return (await isPortFree(usual)) ? usual : await freePort()
}

/**
 * Binding tells on Linux; a system that lets 127.0.0.1 be bound beside a server on all addresses needs the
 * connection to notice it.
 */
export async function isPortFree(port: number): Promise<boolean> {
  return (await canBind(port)) && !(await answers(port))
}

function canBind(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port })
    const settle = (isAnswering: boolean): void => {
      socket.destroy()
      resolve(isAnswering)
    }
    socket.setTimeout(CONNECT_DEADLINE_MS, () => settle(false))
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
  })
}
