import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../src/clock.ts'
import type { Logger } from '../../src/config.ts'
import { EventLoopWatch } from '../../src/observability/event-loop-watch.ts'

/** A clock whose timers fire as late as the test says. */
class LateClock implements Clock {
  timers = new Set<{ readonly atMs: number; readonly callback: () => void }>()
  #nowMs = 0

  now(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  sleep(): Promise<void> {
    return Promise.reject(new Error('nothing sleeps here'))
  }

  schedule(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, callback }
    this.timers.add(timer)
    return () => this.timers.delete(timer)
  }

  fire(lateMs: number): void {
    const [timer] = this.timers
    assert.ok(timer !== undefined)
    this.timers.delete(timer)
    this.#nowMs = timer.atMs + lateMs
    timer.callback()
  }
}

function watched(stallWarningMs: number) {
  const clock = new LateClock()
  const warnings: object[] = []
  const ignore = (): void => undefined
  const logger: Logger = {
    debug: ignore,
    info: ignore,
    error: ignore,
    warn: (facts, message) => warnings.push({ ...facts, message }),
  }
  return { clock, warnings, watch: new EventLoopWatch({ clock, logger, stallWarningMs }) }
}

test('a timer that is late enough is told, with how late it was', () => {
  const { clock, warnings, watch } = watched(1_000)
  watch.start()
  for (const lateMs of [0, 3, 999, 1_000, 0, 4_321.4]) clock.fire(lateMs)
  assert.deepEqual(
    warnings.map(facts => ({ ...facts, message: undefined })),
    [1_000, 4_321].map(blockedMs => ({ blockedMs, stallWarningMs: 1_000, message: undefined })),
  )
})

test('the delay is told since the last look, the largest and the 99th of a hundred', () => {
  const { clock, watch } = watched(1_000)
  assert.deepEqual(watch.take(), { max: 0, p99: 0 })
  watch.start()
  for (let i = 0; i < 990; i += 1) clock.fire(2)
  for (let i = 0; i < 9; i += 1) clock.fire(50)
  clock.fire(500)
  const { max, p99 } = watch.take()
  // The histogram keeps three digits.
  assert.ok(Math.abs(max - 500) < 1, `${max}`)
  assert.ok(Math.abs(p99 - 2) < 0.1, `${p99}`)
  clock.fire(7)
  assert.ok(Math.abs(watch.take().max - 7) < 0.1)
  assert.deepEqual(watch.take(), { max: 0, p99: 0 })
})

test('a watch that is stopped leaves no timer behind', () => {
  const { clock, watch } = watched(1_000)
  watch.start()
  clock.fire(0)
  watch.stop()
  assert.equal(clock.timers.size, 0)
})
