import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { Progress } from '../../demo/progress.ts'

const steps = [
  { label: 'published', total: 10 },
  { label: 'in Braze', total: 8 },
]

function fakeStream(isTTY: boolean): { stream: NodeJS.WriteStream; text: () => string } {
  let text = ''
  const stream = new Writable({
    write(chunk, _, done) {
      text += String(chunk)
      done()
    },
  })
  return {
    stream: Object.assign(stream, { isTTY, columns: 80 }) as unknown as NodeJS.WriteStream,
    text: () => text,
  }
}

test('where there is no terminal a line is written every five seconds', () => {
  const { stream, text } = fakeStream(false)
  let now = 0
  const progress = new Progress(stream, steps, () => now)
  for (; now <= 12_000; now += 1_000) progress.show([now / 1_000, 0])
  progress.stop()
  assert.equal(text(), 'published 5/10, in Braze 0/8\npublished 10/10, in Braze 0/8\n')
})

test('on a terminal there is a bar for each step, and its cursor stays as it is', () => {
  const { stream, text } = fakeStream(true)
  const progress = new Progress(stream, steps)
  progress.show([10, 4])
  progress.stop()
  assert.match(text(), /published █{30} 10\/10/)
  assert.match(text(), /in Braze  █{15}░{15} 4\/8/)
  // DECTCEM, with which a cursor is hidden.
  assert.ok(!text().includes('\u001B[?25l'))
})
