import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import { chromium, type Browser, type Page } from 'playwright-core'
import { skipWithoutChromium } from '../../../dev/stack/chromium.ts'
import { newLogDirectory } from '../../../dev/stack/log-directory.ts'
import { ProcessGroup } from '../../../dev/stack/process-group.ts'
import { readPages } from '../src/pages.ts'
import { buildPages } from '../web/build.ts'
import { TOKEN } from './console-under-test.ts'

const group = new ProcessGroup()
after(() => group.stop())

/** Why no page can be tried here, or false. */
export const skip: string | false = await skipWithoutChromium({
  group,
  logDirectory: await newLogDirectory('chromium'),
})

/** The pages as they are now, built for these tests alone. */
export async function builtPages(): Promise<ReturnType<typeof readPages>> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-pages-'))
  try {
    await buildPages(folder)
    return readPages(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export interface OpenPage {
  readonly page: Page
  /** What the browser complained of: errors in scripts, and everything that the content security policy refused. */
  readonly complaints: string[]
}

let launched: Promise<Browser> | undefined

/** One for all tests of a file. */
async function browser(): Promise<Browser> {
  launched ??= chromium.launch({
    executablePath: '/usr/bin/chromium',
    // Chromium refuses to run with its sandbox as root.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  })
  return await launched
}
after(async () => {
  await (await launched)?.close()
})

/** Closed with the test. Of its own: no cookie of another. */
export async function openPage(
  t: TestContext,
  url: string,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<OpenPage> {
  const context = await (await browser()).newContext({ reducedMotion: 'reduce', ...options })
  t.after(() => context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(30_000)
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  await page.goto(url)
  return { page, complaints }
}

/** As the demo opens it. */
export function withToken(address: string): string {
  return `${address}/#token=${TOKEN}`
}
