import type { FastifyInstance } from 'fastify'
import type { Snapshot } from './snapshot.ts'
import type { Watcher } from './watch/watcher.ts'

/**
 * `/api/events`: a snapshot each second as a server-sent event. A reader that is slower than that misses some: each says
 * everything, so the next one makes up for it.
 */
export function addEvents(server: FastifyInstance, watcher: Watcher): void {
  const endings = new Set<() => void>()
  server.get('/api/events', (request, reply) => {
    const headers = reply.getHeaders() as Record<string, string>
    reply.hijack()
    const { raw } = reply
    raw.writeHead(200, { ...headers, 'content-type': 'text/event-stream; charset=utf-8' })
    let isFull = false
    raw.on('drain', () => {
      isFull = false
    })
    const send = (snapshot: Snapshot): void => {
      if (!isFull) isFull = !raw.write(`data: ${JSON.stringify(snapshot)}\n\n`)
    }
    const stop = watcher.onSnapshot(send)
    const end = (): void => {
      stop()
      endings.delete(end)
      raw.end()
    }
    endings.add(end)
    request.raw.on('close', end)
    send(watcher.snapshot())
  })
  server.addHook('preClose', done => {
    for (const end of endings) end()
    done()
  })
}
