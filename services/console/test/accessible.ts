import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'

/** What a page must be for a screen reader and for a narrow screen; whoever breaks it is told where. */
export async function assertAccessible(page: Page): Promise<void> {
  const found = await page.evaluate(FAULTS)
  assert.deepEqual(found, [], `${page.url()} at ${page.viewportSize()?.width} px`)
}

/** Runs in the browser. The list of what is wrong, each with what it is wrong with. */
const FAULTS = `(() => {
  const faults = []
  const name = element => (element.outerHTML ?? '').slice(0, 120)
  const once = (selector, what) => {
    const count = document.querySelectorAll(selector).length
    if (count !== 1) faults.push(count + ' of ' + what)
  }
  once('main', 'main')
  once('nav[aria-label]', 'nav with a name')
  once('header', 'header')
  once('h1', 'h1')
  once('nav a[aria-current="page"]', 'link to this page')
  const ids = new Set()
  for (const { id } of document.querySelectorAll('[id]')) {
    if (ids.has(id)) faults.push('twice the id ' + id)
    ids.add(id)
  }
  const text = element => (element.textContent ?? '').trim()
  const referred = (element, attribute) =>
    (element.getAttribute(attribute) ?? '').split(' ').filter(Boolean).map(id => {
      const target = document.getElementById(id)
      if (target === null) faults.push('nothing has the id ' + id)
      return target === null ? '' : text(target)
    }).join(' ')
  for (const element of document.querySelectorAll('a, button, input, select, summary, [role="button"], [role="img"], [role="region"], [role="alertdialog"], table, meter')) {
    const labels = [...(element.labels ?? [])].map(text).join(' ')
    const own = /^(INPUT|SELECT|TABLE|METER)$/.test(element.tagName) || element.hasAttribute('role') ? '' : text(element)
    if ((element.getAttribute('aria-label') || referred(element, 'aria-labelledby') || labels || own).trim() === '')
      faults.push('no name: ' + name(element))
  }
  const levels = [...document.querySelectorAll('h1, h2, h3, h4')].map(({ tagName }) => Number(tagName[1]))
  levels.forEach((level, at) => {
    if (level > (levels[at - 1] ?? 0) + 1) faults.push('a heading of level ' + level + ' follows one of ' + (levels[at - 1] ?? 0))
  })
  for (const element of document.querySelectorAll('[tabindex]'))
    if (element.tabIndex > 0) faults.push('an order of its own: ' + name(element))
  const width = document.documentElement.clientWidth
  if (document.documentElement.scrollWidth > width) {
    const clipped = element => element.closest('.graph, pre, .for-ears, .skip') !== null
    for (const element of document.querySelectorAll('body *'))
      if (!clipped(element) && element.getBoundingClientRect().right > width + 1) faults.push('too wide: ' + name(element))
    if (faults.length === 0) faults.push('the page is ' + document.documentElement.scrollWidth + ' px wide')
  }
  return faults.slice(0, 10)
})()`
