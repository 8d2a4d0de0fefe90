import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { BrokenKind } from './faults/fault.ts'
import type { Headers } from './limits/headers.ts'

export interface Answer {
  readonly status: number
  readonly body: object
  readonly headers?: Headers
}

const PIECES = 8
const JSON_TYPE = 'application/json; charset=utf-8'
const PAGE = '<!doctype html><html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>'

/** Sends the head and a first piece at once, and the rest piece by piece over `overMs`. */
export function sendSlowly(
  reply: FastifyReply,
  body: object,
  overMs: number,
  sleep: (ms: number) => Promise<void>,
): void {
  const text = Buffer.from(JSON.stringify(body))
  const startOf = (piece: number): number => Math.floor((text.length * piece) / PIECES)
  async function* pieces(): AsyncGenerator<Buffer, void, undefined> {
    for (let piece = 0; piece < PIECES; piece++) {
      if (piece > 0) await sleep(overMs / (PIECES - 1))
      yield text.subarray(startOf(piece), startOf(piece + 1))
    }
  }
  void reply.headers({ 'content-type': JSON_TYPE, 'content-length': text.length })
  void reply.send(Readable.from(pieces(), { objectMode: false }))
}

/** Sends something that is not the answer, or not all of it. */
export function sendBroken(reply: FastifyReply, kind: BrokenKind, answer: Answer | undefined): void {
  const text = JSON.stringify(answer?.body ?? { message: 'success' })
  const half = text.slice(0, Math.floor(text.length / 2))
  switch (kind) {
    case 'truncated':
      void reply.code(201).header('content-type', JSON_TYPE).send(Buffer.from(half))
      return
    case 'html':
      void reply.code(200).header('content-type', 'text/html; charset=utf-8').send(PAGE)
      return
    case 'content-type':
      void reply.code(201).header('content-type', 'text/plain; charset=utf-8').send(text)
      return
    case 'empty':
      void reply.code(201).send()
      return
    case 'cut':
      reply.hijack()
      reply.raw.writeHead(201, { 'content-type': JSON_TYPE, 'content-length': text.length })
      reply.raw.write(half, () => reply.raw.socket?.resetAndDestroy())
      return
  }
}
