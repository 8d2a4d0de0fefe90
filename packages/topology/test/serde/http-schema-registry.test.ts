import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { TopologyError } from '../../src/errors.ts'
import { HttpSchemaRegistry } from '../../src/serde/http-schema-registry.ts'
import { fails } from './support.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

async function serve(t: TestContext, handler: Handler): Promise<string> {
  const server = createServer(handler)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Nobody listens where a server has just been closed. */
async function unusedUrl(): Promise<string> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return `http://127.0.0.1:${port}`
}

function answer(status: number, body: unknown): Handler {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
}

function adviceOf(error: unknown): string {
  assert.ok(TopologyError.is(error))
  return error.retry.kind
}

const unavailable = 'TOPOLOGY_REGISTRY_UNAVAILABLE'

test('an outage is unavailable with the advice to back off: 5xx, 408, 429 and no connection', async t => {
  for (const status of [500, 503, 408, 429]) {
    const registry = new HttpSchemaRegistry({ url: await serve(t, answer(status, '<html>down</html>')) })
    const error: unknown = await registry.latest('s').catch((reason: unknown) => reason)
    assert.ok(fails(unavailable, new RegExp(String(status)))(error))
    assert.equal(adviceOf(error), 'backoff')
  }
  const closed = new HttpSchemaRegistry({ url: await unusedUrl() })
  const error: unknown = await closed.latest('s').catch((reason: unknown) => reason)
  assert.ok(fails(unavailable, /ECONNREFUSED/)(error))
  assert.equal(adviceOf(error), 'backoff')
})

test('a registry that does not answer in time is unavailable', async t => {
  const url = await serve(t, () => undefined)
  const registry = new HttpSchemaRegistry({ url, timeoutMs: 50 })
  await assert.rejects(registry.latest('s'), fails(unavailable, /no answer within 50 ms/))
})

test('a wrong path is not an empty registry', async t => {
  const url = await serve(
    t,
    answer(404, { error_code: 404, message: 'RESTEASY003210: Could not find resource' }),
  )
  const registry = new HttpSchemaRegistry({ url })
  for (const work of [
    registry.latest('s'),
    registry.idOf('s', '"int"'),
    registry.schemaById(1),
    registry.checkCompatibility('s', '"int"'),
  ]) {
    const error: unknown = await work.catch((reason: unknown) => reason)
    assert.ok(fails(unavailable, /404/)(error))
    assert.equal(adviceOf(error), 'never')
  }
})

test('what the registry refuses for good has a code of its own', async t => {
  const codes = {
    401: 'TOPOLOGY_AUTHORIZATION_FAILED',
    403: 'TOPOLOGY_AUTHORIZATION_FAILED',
    409: 'TOPOLOGY_SCHEMA_INCOMPATIBLE',
    422: 'TOPOLOGY_SCHEMA_INVALID',
  } as const
  for (const [status, code] of Object.entries(codes)) {
    const url = await serve(t, answer(Number(status), { error_code: Number(status), message: 'said why' }))
    await assert.rejects(new HttpSchemaRegistry({ url }).register('s', '"int"'), fails(code, /said why/))
  }
})

test('an answer that is none of the API’s is unavailable, and the message shows it', async t => {
  const url = await serve(t, answer(200, '<html>login</html>'))
  const registry = new HttpSchemaRegistry({ url })
  await assert.rejects(registry.register('s', '"int"'), fails(unavailable, /login/))
  await assert.rejects(registry.checkCompatibility('s', '"int"'), fails(unavailable, /login/))
})

test('a schema of another kind, or with references, is refused', async t => {
  const json = await serve(t, answer(200, { schema: '{}', schemaType: 'JSON' }))
  await assert.rejects(
    new HttpSchemaRegistry({ url: json }).schemaById(1),
    fails('TOPOLOGY_SCHEMA_INVALID', /type JSON/),
  )
  const referring = await serve(t, answer(200, { schema: '"x"', references: [{ name: 'x' }] }))
  await assert.rejects(
    new HttpSchemaRegistry({ url: referring }).schemaById(1),
    fails('TOPOLOGY_SCHEMA_INVALID', /refers to other subjects/),
  )
})

test('a schema is fetched once by its id, but again after a failure', async t => {
  let requests = 0
  const url = await serve(t, (request, response) => {
    requests++
    answer(requests === 1 ? 503 : 200, { schema: '"int"' })(request, response)
  })
  const registry = new HttpSchemaRegistry({ url })
  await Promise.all([1, 2].map(() => assert.rejects(registry.schemaById(5), fails(unavailable))))
  assert.equal(requests, 1)
  assert.deepEqual(await Promise.all([registry.schemaById(5), registry.schemaById(5)]), ['"int"', '"int"'])
  assert.equal(await registry.schemaById(5), '"int"')
  assert.equal(requests, 2)
})

test('credentials are sent, and never stand in a message', async t => {
  const seen: (string | undefined)[] = []
  const url = await serve(t, (request, response) => {
    seen.push(request.headers.authorization)
    answer(403, {})(request, response)
  })
  const inUrl = url.replace('//', '//ada:s%20cret@')
  for (const registry of [
    new HttpSchemaRegistry({ url, auth: { username: 'ada', password: 's cret' } }),
    new HttpSchemaRegistry({ url: inUrl }),
    new HttpSchemaRegistry({ url, auth: { token: 's cret' } }),
  ]) {
    const error: unknown = await registry.latest('s').catch((reason: unknown) => reason)
    assert.ok(TopologyError.is(error) && !/s.*cret|ada/.test(error.message))
  }
  const basic = `Basic ${Buffer.from('ada:s cret').toString('base64')}`
  assert.deepEqual(seen, [basic, basic, 'Bearer s cret'])
})

test('subjects are escaped, and a slash after the URL does no harm', async t => {
  const paths: (string | undefined)[] = []
  const url = await serve(t, (request, response) => {
    paths.push(request.url)
    answer(404, { error_code: 40401, message: 'no' })(request, response)
  })
  const registry = new HttpSchemaRegistry({ url: `${url}/apis/ccompat/v7/` })
  assert.equal(await registry.latest('a/b ?'), undefined)
  assert.deepEqual(paths, ['/apis/ccompat/v7/subjects/a%2Fb%20%3F/versions/latest'])
})

test('Confluent’s messages on compatibility are passed on', async t => {
  const url = await serve(t, answer(200, { is_compatible: false, messages: ['one', 'two'] }))
  assert.deepEqual(await new HttpSchemaRegistry({ url }).checkCompatibility('s', '"int"'), {
    compatible: false,
    messages: ['one', 'two'],
  })
})

test('a URL that is none is refused at construction, without what may be a password', () => {
  for (const url of ['localhost:8081', '', 'ftp://x', 'http://ada:secret@:80:80'])
    assert.throws(
      () => new HttpSchemaRegistry({ url }),
      error => fails('TOPOLOGY_CONFIG_INVALID')(error) && !String(error).includes('secret'),
      url,
    )
})

test('a time limit that no timer holds is refused at construction', () => {
  for (const timeoutMs of [0, -1, 1.5, Number.NaN, 2 ** 31])
    assert.throws(
      () => new HttpSchemaRegistry({ url: 'http://localhost', timeoutMs }),
      fails('TOPOLOGY_CONFIG_INVALID', /timeoutMs/),
    )
})
