import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { siteLink } from '../.vitepress/repository.ts'
import { sidebar } from '../.vitepress/sidebar.ts'
import { repositoryRoot } from './pages.ts'

const run = promisify(execFile)
const docs = join(repositoryRoot, 'docs')
let site: string
/** The builder's output. */
let said: string
/** By their paths in the site, `guide/joins.html`. */
const html = new Map<string, string>()

before(async () => {
  const parent = join(docs, '.local')
  await mkdir(parent, { recursive: true })
  site = await mkdtemp(join(parent, 'site-'))
  const vitepress = createRequire(join(docs, 'package.json')).resolve('vitepress/package.json')
  const options = ['build', docs, '--outDir', site]
  const env = { ...process.env, NO_COLOR: '1', NODE_ENV: 'production' }
  // Fails by itself on a link to a page that does not exist.
  const { stdout, stderr } = await run(
    process.execPath,
    [join(vitepress, '../bin/vitepress.js'), ...options],
    { env },
  )
  said = stdout + stderr
  for (const file of globSync('**/*.html', { cwd: site }))
    html.set(file, readFileSync(join(site, file), 'utf8'))
})

after(() => rm(site, { recursive: true, force: true }))

test('the site is built without a warning', () => {
  // The builder's esbuild reads the tsconfig.json of every folder above as well, and does not know their target yet. It
  // compiles by docs/tsconfig.json.
  const known = /^.*WARNING.* Unrecognized target environment "ES2024" .*\n(\n( {4}.*\n)+)?/gm
  assert.doesNotMatch(said.replaceAll(known, ''), /warn|error|unrecognized/i)
})

test('every page of docs/ is on the site', () => {
  const missing = globSync('**/*.md', { cwd: docs, exclude: ['node_modules', '.local'] }).filter(
    file => !file.includes('[') && !html.has(file.replace(/\.md$/, '.html')),
  )
  assert.deepEqual(missing, [])
  assert.ok(html.has('packages/topology.html'))
})

test('every page of docs/ is in the sidebar', () => {
  const links = new Set(sidebar().flatMap(({ items = [] }) => items.map(({ link }) => link)))
  const missing = globSync('**/*.md', { cwd: docs, exclude: ['node_modules', '.local'] })
    .filter(file => file !== 'index.md' && !file.includes('['))
    .filter(file => !links.has(`/${file.slice(0, -3).replace(/(^|\/)index$/, '$1')}`))
  assert.deepEqual(missing, [])
})

interface Link {
  readonly from: string
  readonly href: string
}

/** What an attribute says; the few entities that a link may have are undone. */
function attributes(name: 'href' | 'src'): Link[] {
  return [...html].flatMap(([from, text]) =>
    [...text.matchAll(new RegExp(`<(?!link)[a-z]+[^>]* ${name}="([^"]*)"`, 'g'))].map(match => ({
      from,
      href: (match[1] ?? '').replaceAll('&amp;', '&'),
    })),
  )
}

/** Why a link of the site leads nowhere. */
function fault({ from, href }: Link): string | undefined {
  const { pathname, hash } = new URL(href, `http://site/${from}`)
  const path = decodeURIComponent(pathname.slice(1))
  const file = [path, `${path}.html`, join(path, 'index.html')].find(
    name => existsSync(join(site, name)) && !name.endsWith('/') && name !== '',
  )
  if (file === undefined && path !== '') return `${from}: ${href} leads to no page`
  if (hash === '') return undefined
  const target = html.get(file ?? 'index.html')
  const id = decodeURIComponent(hash.slice(1))
  return target?.includes(` id="${id}"`) === true ? undefined : `${from}: ${href} leads to no heading`
}

test('every link leads to a page, and to a heading where it names one', () => {
  const inside = attributes('href').filter(({ href }) => !/^(https?|mailto):/.test(href))
  assert.ok(inside.length > 500)
  assert.deepEqual(
    [...new Set(inside.map(fault))].filter(found => found !== undefined),
    [],
  )
})

test('a link to a missing page or heading is found', () => {
  assert.match(fault({ from: 'index.html', href: './guide/nothing' }) ?? '', /leads to no page/)
  assert.match(fault({ from: 'index.html', href: '/reference/config#nothing' }) ?? '', /leads to no heading/)
  assert.throws(() => siteLink('../nothing.ts', 'docs/index.md'), /does not exist/)
})

test('a page asks no other host for anything', () => {
  const loaded = [
    ...attributes('src'),
    ...[...html].flatMap(([from, text]) =>
      [...text.matchAll(/<link[^>]* href="([^"]*)"/g)].map(match => ({ from, href: match[1] ?? '' })),
    ),
  ]
  assert.ok(loaded.length > 50)
  assert.deepEqual(
    loaded.filter(({ href }) => /^(https?:)?\/\//.test(href)),
    [],
  )
  for (const file of globSync('assets/**/*.css', { cwd: site }))
    assert.doesNotMatch(readFileSync(join(site, file), 'utf8'), /url\(["']?(https?:)?\/\//, file)
})

test('the search works offline: its index is a file of the site', () => {
  const [index, ...others] = globSync('assets/chunks/@localSearchIndexroot.*.js', { cwd: site })
  assert.deepEqual(others, [])
  assert.ok(readFileSync(join(site, index!), 'utf8').includes('"title":"Dead letters"'))
})
