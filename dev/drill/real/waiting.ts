import { setTimeout as sleep } from 'node:timers/promises'
import { DrillError } from '../drill-error.ts'
import type { RealGround } from './ground.ts'

const POLL_MS = 50

/** @throws DrillError DRILL_STUCK */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs: number,
): Promise<void> {
  const deadline = performance.now() + deadlineMs
  while (!(await condition())) {
    if (performance.now() > deadline)
      throw new DrillError('DRILL_STUCK', `Waited ${deadlineMs / 1_000} s in vain until ${what}`)
    await sleep(POLL_MS)
  }
}

export async function untilCommitted(ground: RealGround, deadlineMs: number): Promise<void> {
  await until(
    'every record is committed',
    async () => (await ground.committed()).every((offset, partition) => offset === ground.ends[partition]),
    deadlineMs,
  )
}
