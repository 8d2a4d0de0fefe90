import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { TestClock } from '@tributary/topology/testing'
import { pino } from 'pino'
import { Access } from '../src/access.ts'
import { BEARER, CONFIG, consoleUnderTest, TOKEN } from './console-under-test.ts'

const GUARDED = ['/api/snapshot', '/api/events'] as const

test('nothing below /api/ is answered without the token, or with a wrong one', async t => {
  const server = consoleUnderTest(t)
  const wrong = [
    {},
    { authorization: '' },
    { authorization: 'Bearer ' },
    { authorization: `Bearer ${TOKEN}x` },
    { authorization: `Bearer ${TOKEN.slice(0, -1)}` },
    { authorization: `Basic ${Buffer.from(`x:${TOKEN}`).toString('base64')}` },
    { authorization: TOKEN },
    { cookie: `tributary_console=${TOKEN}` },
    { cookie: 'tributary_console=' },
  ]
  for (const url of GUARDED)
    for (const headers of wrong) {
      const answer = await server.inject({ method: 'GET', url, headers })
      assert.equal(answer.statusCode, 401, `${url} ${JSON.stringify(headers)}`)
      assert.deepEqual(Object.keys(answer.json<object>()), ['code', 'message'])
    }
  const right = await server.inject({ method: 'GET', url: '/api/snapshot', headers: BEARER })
  assert.equal(right.statusCode, 200)
})

/** The tree that is printed, as a list. */
function routesOf(tree: string): readonly { readonly method: string; readonly url: string }[] {
  const parents: string[] = []
  return tree.split('\n').flatMap(line => {
    const [, indent, part, methods] = /^([^─]*)── (.*?)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? []
    if (indent === undefined) return []
    const depth = (indent.length - 1) / 4
    parents.length = depth
    parents.push(part!)
    const url = parents.join('')
    return (methods?.split(', ') ?? []).map(method => ({ method, url }))
  })
}

test('every route below /api/ but the session is guarded', async t => {
  const server = consoleUnderTest(t)
  await server.ready()
  const routes = routesOf(server.printRoutes({ commonPrefix: false }))
  const guarded = routes.filter(({ url }) => url.startsWith('/api/') && url !== '/api/session')
  assert.ok(guarded.length >= GUARDED.length, JSON.stringify(routes))
  for (const { method, url } of guarded) {
    const answer = await server.inject({ method: method as 'GET', url, payload: method === 'POST' ? {} : '' })
    assert.equal(answer.statusCode, 401, `${method} ${url}`)
  }
})

test('a session is opened by the token alone, ends when it is closed, and after twelve hours', async t => {
  const clock = new TestClock()
  const server = consoleUnderTest(t, { clock })
  const open = (token: string) => server.inject({ method: 'POST', url: '/api/session', payload: { token } })
  const refused = await open('not-the-token-at-all')
  assert.equal(refused.statusCode, 401)
  assert.equal(refused.headers['set-cookie'], undefined)

  const cookieOf = async (): Promise<string> => {
    const header = String((await open(TOKEN)).headers['set-cookie'])
    assert.match(header, /; HttpOnly; SameSite=Strict$/)
    return header.split(';')[0]!
  }
  const statusWith = async (cookie: string): Promise<number> =>
    (await server.inject({ method: 'GET', url: '/api/snapshot', headers: { cookie } })).statusCode
  const [first, second] = [await cookieOf(), await cookieOf()]
  assert.equal(await statusWith(first), 200)
  await server.inject({
    method: 'DELETE',
    url: '/api/session',
    headers: { cookie: first, 'sec-fetch-site': 'same-origin' },
  })
  assert.equal(await statusWith(first), 401)
  assert.equal(await statusWith(second), 200)
  await clock.advance(12 * 3_600_000)
  assert.equal(await statusWith(second), 401)
})

test('a page of another origin gets nothing, even with the cookie or the token', async t => {
  const server = consoleUnderTest(t)
  const opened = await server.inject({ method: 'POST', url: '/api/session', payload: { token: TOKEN } })
  const cookie = String(opened.headers['set-cookie']).split(';')[0]!
  const host = 'localhost:8080'
  const foreign = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://elsewhere.example' },
    { origin: 'http://localhost:9090' },
    { origin: `ftp://${host}` },
    { origin: 'null' },
  ]
  for (const headers of foreign)
    for (const [method, url] of [
      ['GET', '/api/snapshot'],
      ['GET', '/api/session'],
      ['POST', '/api/session'],
      ['DELETE', '/api/session'],
    ] as const) {
      const answer = await server.inject({
        method,
        url,
        headers: { host, cookie, ...BEARER, ...headers },
        ...(method === 'POST' ? { payload: { token: TOKEN } } : {}),
      })
      assert.equal(answer.statusCode, 403, `${method} ${url} ${JSON.stringify(headers)}`)
      assert.equal(answer.headers['access-control-allow-origin'], undefined)
    }
  // A browser without these headers, or something in between that removes them: a cookie alone changes nothing.
  const silent = await server.inject({ method: 'DELETE', url: '/api/session', headers: { host, cookie } })
  assert.equal(silent.statusCode, 403)
  const own = { host, cookie, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' }
  assert.equal((await server.inject({ method: 'GET', url: '/api/snapshot', headers: own })).statusCode, 200)
})

test("a form of another page cannot write: what a form can send is none of the API's", async t => {
  const server = consoleUnderTest(t)
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    const answer = await server.inject({
      method: 'POST',
      url: '/api/session',
      headers: { 'content-type': type },
      payload: `{"token":"${TOKEN}"}`,
    })
    assert.equal(answer.statusCode, 415, type)
  }
})

/** Paths as they are: `inject` and `fetch` would tidy them up. */
async function rawGet(
  port: number,
  path: string,
): Promise<{ readonly status: number; readonly body: string }> {
  return await new Promise((resolve, reject) => {
    httpRequest({ port, path, host: '127.0.0.1' }, response => {
      let body = ''
      response.setEncoding('utf8').on('data', (part: string) => (body += part))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
      .on('error', reject)
      .end()
  })
}

test('no way of writing a path leads to a file, or past the guard', async t => {
  const server = consoleUnderTest(t)
  await server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.server.address() as AddressInfo
  const paths = [
    '/../package.json',
    '/..%2fpackage.json',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/assets/../../package.json',
    '/assets/..%5c..%5cpackage.json',
    '//etc/passwd',
    '/index.html/../../package.json',
    '/index.html%00.js',
    '//api/snapshot',
    '/x/../api/snapshot',
    '/api//snapshot',
    '/api/snapshot/',
    '/API/snapshot',
    '/%61pi/snapshot',
    '/api/%73napshot',
    '/api/snapshot?token=x',
    '/api/snapshot;x',
    '/api/snapshot%2f',
    '/api/session/../snapshot',
  ]
  for (const path of paths) {
    const { status, body } = await rawGet(port, path)
    assert.ok([400, 401, 404].includes(status), `${path} ${status}`)
    assert.doesNotMatch(body, /"name"|root:|atMs/, path)
  }
})

test('every answer tells the browser what a page may do', async t => {
  const server = consoleUnderTest(t)
  for (const url of ['/', '/api/snapshot', '/nowhere', '/health/live']) {
    const { headers } = await server.inject({ method: 'GET', url })
    const policy = String(headers['content-security-policy'])
    assert.match(policy, /^default-src 'none'; script-src 'self';/)
    assert.doesNotMatch(policy, /unsafe|\*|https?:|data:/)
    assert.match(policy, /frame-ancestors 'none'/)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['referrer-policy'], 'no-referrer')
  }
})

test('neither the log nor an answer repeats what was sent', async t => {
  const lines: string[] = []
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  const server = consoleUnderTest(t, { logger })
  const secret = 'ada@example.com'
  const answers = [
    await server.inject({ method: 'GET', url: `/api/snapshot?customer=${secret}` }),
    await server.inject({ method: 'GET', url: `/${secret}` }),
    await server.inject({ method: 'POST', url: '/api/session', payload: { token: secret } }),
    await server.inject({ method: 'POST', url: '/api/session', payload: { [secret]: secret } }),
    await server.inject({ method: 'POST', url: '/api/session', payload: { token: TOKEN } }),
    await server.inject({
      method: 'POST',
      url: '/api/session',
      headers: { 'content-type': 'application/json' },
      payload: `{"token": "${secret}`,
    }),
  ]
  assert.deepEqual(
    answers.map(({ statusCode }) => statusCode),
    [401, 404, 401, 400, 204, 400],
  )
  for (const text of [...lines, ...answers.map(({ body }) => body)]) {
    assert.ok(!text.includes(secret), text)
    assert.ok(!text.includes(TOKEN), text)
  }
  assert.ok(lines.some(line => line.includes('a wrong token was given')))
})

test('a token is compared by hashes of one length, in a time that does not depend on what is wrong with it', t => {
  const compare = t.mock.method(crypto, 'timingSafeEqual')
  syncBuiltinESMExports()
  t.after(() => {
    compare.mock.restore()
    syncBuiltinESMExports()
  })
  const access = new Access(TOKEN)
  const wrong = [
    '',
    'x',
    TOKEN.slice(0, -1),
    `${TOKEN}x`,
    TOKEN.toUpperCase(),
    `${TOKEN}\0`,
    'ä'.repeat(1_000),
  ]
  for (const candidate of wrong) assert.equal(access.isToken(candidate), false)
  assert.equal(access.isToken(TOKEN), true)
  assert.deepEqual(
    compare.mock.calls.map(({ arguments: [one, other] }) => [one.byteLength, other.byteLength]),
    [...wrong, TOKEN].map(() => [32, 32]),
  )
})

const LETTER = { partition: 0, offset: 0 }
/** Each is right but for one thing. */
const WRONG_BODIES: Readonly<Record<string, readonly unknown[]>> = {
  '/api/session': [{}, { token: 1 }, { token: '' }, { token: 'x'.repeat(513) }, { token: TOKEN, more: 1 }],
  '/api/tables/lookup': [
    {},
    { topic: 't' },
    { topic: 't', key: '' },
    { topic: 't', key: ['k'] },
    { topic: 't/../u', key: 'k' },
    { topic: 't'.repeat(250), key: 'k' },
    { topic: 't', key: 'k'.repeat(10_001) },
    { topic: 't', key: 'k', keyType: 'sql' },
    { topic: 't', key: 'k', isUnmasked: 'true' },
    { topic: 't', key: 'k', more: 1 },
  ],
  '/api/dead-letters/list': [
    {},
    { topic: '' },
    { topic: 't', code: '--unmasked x' },
    { topic: 't', limit: 1 },
  ],
  '/api/dead-letters/show': [
    { topic: 't', partition: 0 },
    { topic: 't', partition: -1, offset: 0 },
    { topic: 't', partition: '0', offset: 0 },
    { topic: 't', partition: 0, offset: 0.5 },
    { topic: 't', partition: 0, offset: 1e300 },
    { topic: 't', ...LETTER, isUnmasked: 1 },
  ],
  '/api/dead-letters/replay': [
    { topic: 't', letters: LETTER },
    { topic: 't', letters: [] },
    { topic: 't', letters: [{ ...LETTER, more: 1 }] },
    { topic: 't', letters: Array.from({ length: 501 }, () => LETTER) },
    { topic: 't', confirmed: 0 },
    { topic: 't', confirmed: '1' },
    { topic: 't', to: 'elsewhere' },
  ],
}

test('every body is checked by its schema, and nothing is made of what does not fit', async t => {
  const server = consoleUnderTest(t, { config: { ...CONFIG, isReplayAllowed: true } })
  await server.ready()
  const routes = routesOf(server.printRoutes({ commonPrefix: false }))
  const written = routes.filter(({ method }) => method === 'POST').map(({ url }) => url)
  assert.deepEqual(written.toSorted(), Object.keys(WRONG_BODIES).toSorted())
  for (const [url, bodies] of Object.entries(WRONG_BODIES)) {
    for (const body of [...bodies, [], 'text', null, 7]) {
      const answer = await server.inject({
        method: 'POST',
        url,
        headers: { ...BEARER, 'content-type': 'application/json' },
        payload: JSON.stringify(body),
      })
      assert.equal(answer.statusCode, 400, `${url} ${JSON.stringify(body).slice(0, 100)} ${answer.body}`)
      assert.equal(answer.json<{ code: string }>().code, 'CONSOLE_REQUEST_INVALID')
    }
    const payload = { topic: 't', key: 'k'.repeat(70_000) }
    const large = await server.inject({ method: 'POST', url, headers: BEARER, payload })
    assert.equal(large.statusCode, 413, url)
  }
})
