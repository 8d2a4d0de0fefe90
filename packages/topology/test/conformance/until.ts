import { setTimeout } from 'node:timers/promises'

/** Waits until the condition holds; fails, saying what was waited for, when it never does. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain until ${what}`)
    await setTimeout(2)
  }
}
