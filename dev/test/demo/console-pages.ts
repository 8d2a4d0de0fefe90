import assert from 'node:assert/strict'
import type { Locator, Page } from 'playwright-core'
import { createKafkaClient } from '@tributary/topology'
import { assertAccessible } from '../../../services/console/test/accessible.ts'
import { until } from '../../../test-support/until.ts'
import type { Customer } from '@tributary/marketing-events'
import type { GroupProgress, KafkaReader } from './kafka-reader.ts'

/* What the pages of the console show, compared with what Kafka holds, which is read apart from everything of the console. */

const WAIT = { everyMs: 200, timeoutMs: 20_000 } as const

export async function goTo(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name, exact: true }).click()
  await page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
}

const numberIn = (text: string): number => Number(text.replaceAll(/[^\d.-]/g, '') || '0')

interface ShownPartition {
  readonly behind: number
  readonly committed: number
  readonly end: number
}

async function shownPartitions(table: Locator): Promise<ReadonlyMap<string, ShownPartition>> {
  const rows = await table.locator('tbody tr').all()
  const cell = async (row: Locator, label: string): Promise<number> =>
    numberIn(await row.locator(`td[data-label="${label}"]`).innerText())
  return new Map(
    await Promise.all(
      rows.map(
        async row =>
          [
            await row.locator('th').innerText(),
            {
              behind: await cell(row, 'Behind'),
              committed: await cell(row, 'Committed'),
              end: await cell(row, 'End'),
            },
          ] as const,
      ),
    ),
  )
}

/** The partitions of each instance with their offsets, as a group's progress in its topic has them. */
export async function overviewEquals(
  page: Page,
  instances: readonly string[],
  progress: () => Promise<readonly GroupProgress[]>,
): Promise<void> {
  await goTo(page, 'Overview')
  for (const name of instances) {
    const details = page.locator(`details[data-instance="${name}"]`)
    if (!(await details.evaluate(element => element.hasAttribute('open'))))
      await details.locator('summary').press('Enter')
  }
  let seen: unknown
  await until(
    'the page shows the offsets that Kafka holds',
    async () => {
      const expected = (await progress()).map(
        ({ topic, partition, committed, end }) =>
          [`${topic}-${partition}`, { behind: end - committed, committed, end }] as const,
      )
      const tables = await Promise.all(
        instances.map(name => shownPartitions(page.getByRole('table', { name: `Partitions of ${name}` }))),
      )
      const shown = tables.flatMap(table => [...table]).toSorted(([a], [b]) => (a < b ? -1 : 1))
      seen = { shown, expected }
      return JSON.stringify(shown) === JSON.stringify(expected)
    },
    WAIT,
  ).catch((error: unknown) => assert.fail(`${String(error)}: ${JSON.stringify(seen)}`))
}

/** Each instance holds on the page what one member of the group holds by Kafka's word. */
export async function sharesEqual(page: Page, { brokers, group, instances }: SharedGroup): Promise<void> {
  const kafka = createKafkaClient({ brokers, clientId: 'console-test' })
  try {
    const members = (await kafka.groups.describe(group))?.members ?? []
    const held = members.map(({ partitions }) =>
      partitions
        .map(({ topic, partition }) => `${topic}-${partition}`)
        .toSorted()
        .join(),
    )
    const shown = await Promise.all(
      instances.map(async name => {
        const table = await shownPartitions(page.getByRole('table', { name: `Partitions of ${name}` }))
        return [...table.keys()].toSorted().join()
      }),
    )
    assert.deepEqual(shown.toSorted(), held.toSorted())
  } finally {
    await kafka.close()
  }
}

export interface SharedGroup {
  readonly brokers: readonly string[]
  readonly group: string
  readonly instances: readonly string[]
}

/** A table has as many rows as its topic has keys, and a key's row is the last record of it. */
export async function tableEquals(page: Page, reader: KafkaReader, customer: Customer): Promise<void> {
  const records = (await reader.read('customers')).filter(({ value }) => value.length > 0)
  await goTo(page, 'Tables')
  const shares = page.getByRole('table', { name: 'Tables' }).locator('tbody tr', { hasText: 'customers' })
  const rowTexts = await shares.locator('td[data-label="Rows"]').allInnerTexts()
  const rows = rowTexts.reduce((sum, text) => sum + numberIn(text), 0)
  assert.equal(rows, new Set(records.map(({ key }) => key.toString())).size)

  const last = records.findLast(({ key }) => key.toString().endsWith(customer.customerId))!
  await page.getByLabel('Topic').selectOption('customers')
  await page.getByLabel('Key', { exact: true }).fill(customer.customerId)
  await page.getByRole('button', { name: 'Look up' }).click()
  await page.getByText(`has a row at customers-${last.partition}@${last.offset}`).waitFor()
  const masked = await page.locator('pre').innerText()
  await page.getByLabel('with contents').check()
  await page.getByRole('button', { name: 'Look up' }).click()
  await page.locator('pre').getByText(customer.customerId).first().waitFor()
  const shown = JSON.parse(await page.locator('pre').innerText()) as Customer
  for (const [name, value] of Object.entries(customer)) {
    assert.deepEqual(shown[name as keyof Customer], value, name)
    if (typeof value === 'string' && value.includes('@')) assert.ok(!masked.includes(value), 'it is masked')
  }
}

export interface Letters {
  readonly topic: string
  /** Where its records came from. */
  readonly source: string
}

/** All letters are there; one is masked, then as its bytes are; two that are chosen arrive in Kafka. */
export async function deadLettersEqual(
  page: Page,
  reader: KafkaReader,
  { topic, source }: Letters,
): Promise<void> {
  const letters = await reader.read(topic)
  await goTo(page, 'Dead letters')
  await page.getByLabel('Topic').selectOption(topic)
  await page.getByText(`${letters.length} dead letters.`).waitFor()
  const list = page.getByRole('table', { name: 'Dead letters' })
  const names = await list.locator('tbody th').allInnerTexts()
  const places = letters.map(({ partition, offset }) => `${partition}@${offset}`)
  assert.deepEqual(names.map(name => name.trim()).toSorted(), places.toSorted())

  const letter = letters[0]!
  await page.getByRole('button', { name: places[0]!, exact: true }).click()
  await page.getByText('Masked: of values').waitFor()
  assert.ok(!(await page.content()).includes(letter.key.toString()))
  await page.getByRole('button', { name: 'Show personal data' }).click()
  await page.locator('pre').getByText('valueBase64').waitFor()
  const whole = JSON.parse(await page.locator('pre').innerText()) as Record<string, unknown>
  assert.equal(whole['keyBase64'], letter.key.toString('base64'))
  assert.equal(whole['valueBase64'], letter.value.toString('base64'))
  await page.getByRole('button', { name: 'Close' }).click()

  const before = await reader.ends(source)
  for (const place of places.slice(0, 2)) await page.getByLabel(`Choose ${place}`).press('Space')
  await page.getByRole('button', { name: 'Replay 2 chosen …' }).press('Enter')
  const dialog = page.getByRole('alertdialog', { name: 'Confirm the replay' })
  await dialog.getByText(`2 records would go back to ${source} and be processed again.`).waitFor()
  assert.deepEqual(await reader.ends(source), before)
  await dialog.getByRole('button', { name: 'Play 2 records' }).press('Enter')
  await page.getByText('2 records played.').waitFor()
  const played = (await reader.read(source)).filter(({ partition, offset }) => offset >= before[partition]!)
  const bytesOf = ({ key, value }: { readonly key: Buffer; readonly value: Buffer }): string =>
    `${key.toString('base64')} ${value.toString('base64')}`
  assert.deepEqual(played.map(bytesOf).toSorted(), letters.slice(0, 2).map(bytesOf).toSorted())
}

/** On a phone, too: nothing is wider than the screen, everything has a name. */
export async function everyPageIsAccessible(page: Page): Promise<void> {
  for (const width of [390, 1280]) {
    await page.setViewportSize({ width, height: 844 })
    for (const name of ['Overview', 'Topology', 'Tables', 'Lag', 'Sink', 'Dead letters']) {
      await goTo(page, name)
      await assertAccessible(page)
    }
  }
}
