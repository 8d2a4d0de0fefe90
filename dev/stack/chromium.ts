import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { PackageRun } from './debian-packages.ts'
import { StackError } from './stack-error.ts'

const PROGRAM = '/usr/bin/chromium'

/**
 * The browser that pages are tried in: Debian's, which is installed where that is allowed. It needs many libraries and its
 * settings below /etc, so unpacking it somewhere would not do.
 * @throws StackError STACK_PACKAGES, STACK_DOWNLOAD
 */
export async function chromiumProgram(run: PackageRun): Promise<string> {
  if (existsSync(PROGRAM)) return PROGRAM
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get'))
    throw new StackError(
      'STACK_PACKAGES',
      `The pages are tried in Chromium, which is missing: apt-get install chromium (root of a Debian has it installed by the tests).`,
    )
  const logFile = join(run.logDirectory, 'chromium.log')
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', 'chromium']]) {
    const exit = await run.group.run({ name: 'apt-get', command: 'apt-get', args, env, logFile })
    if (exit.code !== 0)
      throw new StackError(
        'STACK_DOWNLOAD',
        `Chromium could not be installed: check the network and apt's sources, and read ${logFile} for the reason.`,
      )
  }
  return PROGRAM
}

/** For tests: why they cannot run here, or false. */
export async function skipWithoutChromium(run: PackageRun): Promise<string | false> {
  try {
    await chromiumProgram(run)
    return false
  } catch (error) {
    if (!(error instanceof StackError)) throw error
    return error.message
  }
}
