import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createServer } from 'node:http'
import type { Page } from 'playwright-core'
import { InMemorySchemaRegistry } from '@tributary/topology/testing'
import { freePort } from '../../../dev/stack/ports.ts'
import { until } from '../../../test-support/until.ts'
import { assertAccessible } from './accessible.ts'
import { builtPages, openPage, skip, withToken } from './browser.ts'
import { CONFIG, consoleUnderTest, runningService, TOKEN } from './console-under-test.ts'

const pages = skip === false ? await builtPages() : []

test('what is wrong is read first, then numbers, and a wrong token shows nothing', { skip }, async t => {
  const { instance, kafka } = await runningService(t)
  const nobody = { name: 'greeter-2', url: `http://127.0.0.1:${await freePort()}` }
  const server = consoleUnderTest(t, { pages, config: { ...CONFIG, instances: [instance, nobody] } })
  const address = await server.listen({ host: '127.0.0.1', port: 0 })
  const { page, complaints } = await openPage(t, address)

  await page.getByLabel('Token').fill('not-the-token-at-all')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').getByText('This is not the token').waitFor()
  assert.equal(await page.getByRole('heading', { name: 'Overview' }).count(), 0)
  // The browser tells of every answer that is not 2xx: of the session that is not open, and of the wrong token.
  complaints.length = 0
  await page.getByLabel('Token').fill(TOKEN)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await page.getByText('greeter-2 cannot be reached: connection refused.').first().waitFor()
  kafka.put('words', { key: 'k', value: 'bad' })
  await page.getByText('greeter has written 1 dead letter in the last minute.').first().waitFor()

  const [first, second] = await page.getByRole('region', { name: 'Problems' }).getByRole('listitem').all()
  assert.match(await first!.innerText(), /^Critical\s+greeter-2 cannot/)
  assert.match(await second!.innerText(), /^Warning\s+greeter has/)
  assert.equal(await page.title(), '(2) Overview · Tributary')
  // A screen reader is told the same.
  const told = await page.getByRole('status').allInnerTexts()
  assert.ok(
    told.some(text => text.startsWith('2 problems. greeter-2 cannot be reached')),
    JSON.stringify(told),
  )
  const row = page.getByRole('table', { name: 'Applications' }).getByRole('row', { name: /^greeter/ })
  await row.getByText('1 (+1 in a minute)').waitFor()
  assert.deepEqual(complaints, [])
})

/** What Tab leads to, from the beginning of the page. */
async function tabStops(page: Page, count: number): Promise<readonly string[]> {
  const stops: string[] = []
  for (let i = 0; i < count; i += 1) {
    await page.keyboard.press('Tab')
    const text = await page.evaluate('(document.activeElement?.textContent ?? "").trim()')
    stops.push(String(text).replace(/^(greeter-\d).*$/s, '$1'))
  }
  return stops
}

test('an instance is opened by keyboard and shows where its partitions are', { skip }, async t => {
  const { instance, kafka } = await runningService(t)
  for (let i = 0; i < 7; i += 1) kafka.put('words', { key: `k${i}`, value: 'hello' })
  const server = consoleUnderTest(t, { pages, config: { ...CONFIG, instances: [instance] } })
  const address = await server.listen({ host: '127.0.0.1', port: 0 })
  const { page, complaints } = await openPage(t, withToken(address))
  await page.getByText('Nothing is wrong.').waitFor()
  assert.equal(page.url(), `${address}/#/`, 'the token does not stay in the address')

  assert.deepEqual(await tabStops(page, 9), [
    'To the content',
    'Overview',
    'Topology',
    'Tables',
    'Lag',
    'Sink',
    'Dead letters',
    'Sign out',
    // What comes after the head of the page is the first thing that can be opened.
    'greeter-1',
  ])
  await page.getByRole('navigation').getByRole('link', { name: 'Tables' }).press('Enter')
  const heading = page.getByRole('heading', { level: 1, name: 'Tables' })
  assert.equal(await heading.evaluate(element => element === element.ownerDocument.activeElement), true)
  assert.equal(await page.title(), 'Tables · Tributary')
  await page.goBack()
  const summary = page.locator('details[data-instance="greeter-1"] > summary')
  for (let presses = 0; presses < 20; presses += 1) {
    if (await summary.evaluate(element => element === element.ownerDocument.activeElement)) break
    await page.keyboard.press('Tab')
  }
  await page.keyboard.press('Enter')
  const table = page.getByRole('table', { name: 'Partitions of greeter-1' })
  let committed = 0
  await until(
    'all seven are committed',
    async () => {
      committed = 0
      for (const row of await table.locator('tbody tr').all())
        committed += Number(await row.locator('td[data-label="Committed"]').innerText()) || 0
      return committed === 7
    },
    { everyMs: 100 },
  )
  assert.equal(await table.locator('tbody tr').count(), 2)
  assert.deepEqual(complaints, [])
})

test('when the console is heard no more, the page says that it is old', { skip }, async t => {
  const { instance } = await runningService(t)
  const server = consoleUnderTest(t, { pages, config: { ...CONFIG, instances: [instance] } })
  const address = await server.listen({ host: '127.0.0.1', port: 0 })
  const { page } = await openPage(t, withToken(address))
  await page.getByText('Nothing is wrong.').waitFor()
  await server.close()
  await page
    .getByRole('status')
    .getByText(/^Not live\. What is shown is from \d\d:\d\d:\d\d/)
    .waitFor()
})

/** Runs in a page of the console, as something that got into it would: a script, markup, and a word to elsewhere. */
const SMUGGLED = `async elsewhere => {
  const attempt = action => Promise.resolve().then(action).then(() => 'done', () => 'refused')
  return [
    await attempt(() => {
      const script = document.createElement('script')
      script.text = 'document.title = "smuggled"'
      document.body.append(script)
    }),
    await attempt(() => { document.body.innerHTML = '<img src=x onerror=1>' }),
    await attempt(() => fetch(elsewhere, { mode: 'no-cors' })),
  ]
}`

test(
  'a page of another origin can neither read nor write, though the browser has a session',
  { skip },
  async t => {
    const server = consoleUnderTest(t, { pages, config: { ...CONFIG, instances: [] } })
    const address = await server.listen({ host: '127.0.0.1', port: 0 })
    const foreign = createServer((_, response) =>
      response.setHeader('content-type', 'text/html').end('<h1>elsewhere</h1>'),
    )
    const foreignPort = await freePort()
    await new Promise<void>(resolve => foreign.listen(foreignPort, '127.0.0.1', resolve))
    t.after(() => foreign.close())
    const { page } = await openPage(t, withToken(address))
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    assert.deepEqual(await page.evaluate(`(${SMUGGLED})('http://127.0.0.1:${foreignPort}/')`), [
      'refused',
      'refused',
      'refused',
    ])
    // On the same host, so that the cookie of the session would go along.
    await page.goto(`http://127.0.0.1:${foreignPort}/`)
    const tried = await page.evaluate(async target => {
      const attempt = (path: string, init: object): Promise<string> =>
        fetch(`${target}${path}`, { credentials: 'include', ...init }).then(
          answer => `read ${answer.status} ${answer.type}`,
          () => 'refused',
        )
      return [
        await attempt('/api/snapshot', {}),
        await attempt('/api/session', { method: 'DELETE' }),
        await attempt('/api/snapshot', { mode: 'no-cors' }),
      ]
    }, address)
    assert.deepEqual(tried, ['refused', 'refused', 'refused'])
    await page.setContent(`<iframe src="${address}/"></iframe>`)
    const [, frame] = page.frames()
    await until('the frame is refused', () => frame?.url().startsWith('chrome-error:') === true)
    // The session is as it was.
    await page.goto(address)
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
  },
)

test('every page is reached by its name, and shows what Kafka has', { skip }, async t => {
  const { instance, kafka } = await runningService(t)
  const server = consoleUnderTest(t, {
    pages,
    config: { ...CONFIG, instances: [instance], isReplayAllowed: true },
    kafka: { connect: () => kafka.anotherClient(), openRegistry: () => new InMemorySchemaRegistry() },
  })
  kafka.put('words', { key: 'ada@example.com', value: 'bad' })
  await until('it is a dead letter', () => kafka.records('greeter-dead-letters').length === 1, {
    everyMs: 20,
  })
  const address = await server.listen({ host: '127.0.0.1', port: 0 })
  const { page, complaints } = await openPage(t, withToken(address))
  const addresses: string[] = []
  page.on('request', request => addresses.push(request.url()))
  const go = async (name: string): Promise<void> => {
    await page.getByRole('navigation').getByRole('link', { name, exact: true }).click()
    await page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
  }

  await go('Topology')
  await page.getByRole('button', { name: /, join: / }).press('Enter')
  await page
    .getByRole('table', { name: 'Ended here' })
    .getByRole('row', { name: /TOPOLOGY_PROCESSING_FAILED 1 dead letter/ })
    .waitFor()

  await go('Tables')
  await page.getByLabel('Key', { exact: true }).fill('hello')
  await page.getByLabel('with contents').check()
  await page.keyboard.press('Enter')
  await page.getByText('hello has a row at names-').waitFor()
  assert.match(await page.locator('pre').innerText(), /Ada/)

  await go('Lag')
  await page.getByRole('img', { name: /^Records behind: now 0, highest / }).waitFor()
  await go('Sink')
  await page.getByText('No instance that answers delivers to Braze.').waitFor()

  await go('Dead letters')
  await page.getByRole('button', { name: /^\d+@0$/ }).click()
  await page.getByText('Masked: of values').waitFor()
  assert.ok(!(await page.content()).includes('example.com'))
  await page.getByRole('button', { name: 'Replay this one …' }).click()
  await page.getByRole('button', { name: 'Play 1 record' }).click()
  await page.getByText('1 record played.').waitFor()
  assert.equal(kafka.records('words').length, 2)
  // What is looked for stands in bodies: addresses end up in logs and histories.
  assert.ok(addresses.length > 10)
  for (const each of [page.url(), ...addresses]) assert.match(each, /^[^?@]*$/)
  assert.deepEqual(complaints, [])
})

test('a page that is too wide or has a control without a name would be found', { skip }, async t => {
  const { instance } = await runningService(t)
  const server = consoleUnderTest(t, { pages, config: { ...CONFIG, instances: [instance] } })
  const address = await server.listen({ host: '127.0.0.1', port: 0 })
  const viewport = { width: 390, height: 844 }
  const { page } = await openPage(t, withToken(address), { viewport })
  await page.getByText('Nothing is wrong').first().waitFor()
  await assertAccessible(page)
  await page.evaluate(`
    document.querySelector('main').append(document.createElement('button'))
    document.querySelector('h1').style.width = '900px'
    document.querySelector('nav').removeAttribute('aria-label')
  `)
  await assert.rejects(assertAccessible(page), /0 of nav with a name[^]*no name: <button>[^]*too wide: <h1/)
})

test('several letters are chosen by keyboard and replayed after one confirmation', { skip }, async t => {
  const { instance, kafka } = await runningService(t)
  const server = consoleUnderTest(t, {
    pages,
    config: { ...CONFIG, instances: [instance], isReplayAllowed: true },
    kafka: { connect: () => kafka.anotherClient(), openRegistry: () => new InMemorySchemaRegistry() },
  })
  for (let i = 0; i < 4; i += 1) kafka.put('words', { key: 'one-key', value: 'bad' })
  await until('there are four', () => kafka.records('greeter-dead-letters').length === 4, { everyMs: 20 })
  const address = await server.listen({ host: '127.0.0.1', port: 0 })
  const { page, complaints } = await openPage(t, withToken(address))
  await page.getByRole('link', { name: 'Dead letters' }).click()
  const boxes = page.getByRole('table', { name: 'Dead letters' }).getByRole('checkbox')
  const all = page.getByRole('checkbox', { name: 'Choose all that are listed' })
  const replay = page.getByRole('button', { name: /^Replay (the|\d+) chosen …$/ })
  await boxes.first().waitFor()
  assert.equal(await replay.isDisabled(), true)

  // The second, then with Shift the third; the fourth is only passed.
  await boxes.first().focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Space')
  await page.keyboard.press('Shift+ArrowDown')
  await page.keyboard.press('ArrowDown')
  assert.deepEqual(await Promise.all((await boxes.all()).map(box => box.isChecked())), [
    false,
    true,
    true,
    false,
  ])
  assert.equal(await all.evaluate(box => 'indeterminate' in box && box.indeterminate), true)
  await page.getByRole('button', { name: 'Replay 2 chosen …' }).press('Enter')
  const dialog = page.getByRole('alertdialog', { name: 'Confirm the replay' })
  await dialog.getByText('2 records would go back to words and be processed again.').waitFor()
  assert.equal(await dialog.evaluate(element => element === element.ownerDocument.activeElement), true)
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  assert.equal(kafka.records('words').length, 4, 'a question plays nothing')
  assert.equal(await replay.evaluate(element => element === element.ownerDocument.activeElement), true)

  await page.keyboard.press('Enter')
  await dialog.getByRole('button', { name: 'Play 2 records' }).click()
  await page.getByText('2 records played.').waitFor()
  assert.equal(kafka.records('words').length, 6)
  // What has been played is told apart in the plan of the next one.
  await all.check()
  await page.getByRole('button', { name: /^Replay [456] chosen …$/ }).click()
  await dialog.getByText('2 played before').waitFor()
  assert.deepEqual(complaints, [])
})
