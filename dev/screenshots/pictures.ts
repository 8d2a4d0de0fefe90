import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'

/** How a page is looked at. */
interface Look {
  readonly name: 'light' | 'dark' | 'phone'
  readonly colorScheme: 'light' | 'dark'
  readonly width: number
  readonly height: number
}

const LOOKS: readonly Look[] = [
  { name: 'light', colorScheme: 'light', width: 1_280, height: 900 },
  { name: 'dark', colorScheme: 'dark', width: 1_280, height: 900 },
  { name: 'phone', colorScheme: 'light', width: 390, height: 844 },
]
const PHONE_HEIGHT = 1_400
const DESKTOP_HEIGHT = 1_100
const QUALITY = 82

interface Subject {
  /** In the navigation. */
  readonly page: string
  readonly file: string
  /** What a person would have done there. */
  prepare(page: Page): Promise<void>
}

const nothing = (): Promise<void> => Promise.resolve()

const SUBJECTS: readonly Subject[] = [
  {
    page: 'Overview',
    file: 'overview',
    async prepare(page) {
      const opened = page.locator('details.instance').first()
      if (!(await opened.evaluate(element => element.hasAttribute('open'))))
        await opened.locator('summary').click()
    },
  },
  {
    page: 'Topology',
    file: 'topology',
    async prepare(page) {
      await page.locator('.node.noted, .node').first().press('Enter')
    },
  },
  {
    page: 'Tables',
    file: 'tables',
    async prepare(page) {
      await page.getByLabel('Topic').selectOption('customers')
      await page.getByLabel('Key', { exact: true }).fill('customer-0008')
      await page.getByRole('button', { name: 'Look up' }).click()
      await page.locator('pre').waitFor()
    },
  },
  { page: 'Lag', file: 'lag', prepare: nothing },
  { page: 'Sink', file: 'sink', prepare: nothing },
  {
    page: 'Dead letters',
    file: 'dead-letters',
    async prepare(page) {
      await page.getByLabel('Topic').selectOption('marketing-events-dead-letters')
      const list = page.getByRole('table', { name: 'Dead letters' })
      await list.getByRole('checkbox').first().waitFor()
      for (const box of (await list.getByRole('checkbox').all()).slice(0, 3)) await box.check()
      await page.getByRole('button', { name: 'Replay 3 chosen …' }).click()
      await page.getByRole('alertdialog').waitFor()
    },
  },
]

/** One letter, opened. */
const LETTER: Subject = {
  page: 'Dead letters',
  file: 'dead-letter',
  async prepare(page) {
    await page.getByLabel('Topic').selectOption('marketing-events-dead-letters')
    await page
      .getByRole('button', { name: /^\d+@\d+$/ })
      .first()
      .click()
    await page.locator('pre').waitFor()
  },
}

/** Every page as it is now, in each look: WebP, a file for each. */
export async function takePictures(address: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    // Chromium refuses to run with its sandbox as root.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  })
  try {
    for (const look of LOOKS) await takeLook(browser, { address, folder, look })
  } finally {
    await browser.close()
  }
}

interface LookOptions {
  readonly address: string
  readonly folder: string
  readonly look: Look
}

async function takeLook(browser: Browser, { address, folder, look }: LookOptions): Promise<void> {
  const { name, colorScheme, width, height } = look
  const context = await browser.newContext({
    colorScheme,
    viewport: { width, height },
    deviceScaleFactor: name === 'phone' ? 2 : 1,
    reducedMotion: 'reduce',
    locale: 'en-GB',
  })
  const page = await context.newPage()
  const save = async (file: string): Promise<void> => {
    await writeFile(join(folder, `${file}-${name}.webp`), await picture(page, look))
  }
  await page.goto(new URL('/', address).href)
  await page.getByLabel('Token').fill('not-the-token-at-all')
  await page.keyboard.press('Enter')
  await page.getByText('This is not the token').waitFor()
  await save('sign-in')
  await page.goto(address)
  await page.reload()
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
  for (const subject of [...SUBJECTS, LETTER]) {
    await page.getByRole('navigation').getByRole('link', { name: 'Lag', exact: true }).click()
    await page.getByRole('navigation').getByRole('link', { name: subject.page, exact: true }).click()
    await page.getByRole('heading', { level: 1, name: subject.page, exact: true }).waitFor()
    await subject.prepare(page)
    // What is drawn from the next snapshot.
    await page.waitForTimeout(1_500)
    await save(subject.file)
  }
  await context.close()
}

/** Playwright's own pictures are PNG or JPEG. */
async function picture(page: Page, { name, width }: Look): Promise<Buffer> {
  const session = await page.context().newCDPSession(page)
  const whole = await page.evaluate('document.documentElement.scrollHeight')
  const most = name === 'phone' ? PHONE_HEIGHT : DESKTOP_HEIGHT
  const { data } = await session.send('Page.captureScreenshot', {
    format: 'webp',
    quality: QUALITY,
    captureBeyondViewport: true,
    clip: { x: 0, y: 0, width, height: Math.min(Number(whole), most), scale: 1 },
  })
  await session.detach()
  return Buffer.from(data, 'base64')
}
