import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until the condition holds; says what it waited for when that takes longer than ten seconds. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 10_000
  while (!isSo()) {
    if (performance.now() > giveUpAt) throw new Error(`Waited in vain until ${what}`)
    await sleep(2)
  }
}

/** Time enough for what must not happen to happen: bottleneck lets a job go some 2 ms after it was asked. */
export async function anyMoment(): Promise<void> {
  await sleep(20)
}
