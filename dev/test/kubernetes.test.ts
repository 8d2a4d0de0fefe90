import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject'
import { createServer } from '@tributary/service'
import { customerEvents, marketingEvents } from '@tributary/marketing-events'
import type { App } from '@tributary/topology'
import { validate as validateDeployment } from 'kubernetes-models/_schemas/IoK8sApiAppsV1Deployment'
import { validate as validateConfigMap } from 'kubernetes-models/_schemas/IoK8sApiCoreV1ConfigMap'
import { validate as validateNamespace } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Namespace'
import { validate as validateService } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Service'
import { validate as validateBudget } from 'kubernetes-models/_schemas/IoK8sApiPolicyV1PodDisruptionBudget'
import { Deployment } from 'kubernetes-models/apps/v1/Deployment'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap'
import { Namespace } from 'kubernetes-models/v1/Namespace'
import { Service } from 'kubernetes-models/v1/Service'
import { parseAllDocuments, parse } from 'yaml'
import { readConfig as readApiConfig } from '../../services/activities-api/src/config.ts'
import { createActivitiesApi } from '../../services/activities-api/src/app.ts'
import { readConfig as readSinkConfig } from '../../services/braze-sink/src/config.ts'
import { readConfig as readStreamConfig } from '../../services/marketing-events/src/config.ts'
import { repositoryRoot } from '../stack/repository.ts'

const folder = join(repositoryRoot, 'deploy', 'kubernetes')

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
}

const KINDS = { ConfigMap, Deployment, Namespace, PodDisruptionBudget, ScaledObject, Service } as const

/** Of Kubernetes' own kinds: the bare schema, which the models' `validate` calls with a copy. */
const SCHEMAS: Readonly<Partial<Record<string, (manifest: unknown) => boolean>>> = {
  ConfigMap: validateConfigMap,
  Deployment: validateDeployment,
  Namespace: validateNamespace,
  PodDisruptionBudget: validateBudget,
  Service: validateService,
}

const files = readdirSync(folder).filter(file => file !== 'kustomization.yaml')
const manifests = files.flatMap(file =>
  parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map(document => {
    assert.deepEqual(document.errors, [], file)
    return document.toJS() as Manifest
  }),
)

function ofKind<K extends keyof typeof KINDS>(kind: K): InstanceType<(typeof KINDS)[K]>[] {
  const found = manifests.filter(manifest => manifest.kind === kind)
  return found.map(manifest => new KINDS[kind](manifest as never) as InstanceType<(typeof KINDS)[K]>)
}

/** The schemas let unknown fields pass, as the API server does; so what the validation has never looked at is one. */
function faultsOf(manifest: Manifest): readonly string[] {
  const unread = new Set<string>()
  const watched = (value: unknown, path: string): unknown => {
    if (typeof value !== 'object' || value === null) return value
    const fields = new Map(
      Object.entries(value).map(([name, field]) => [name, watched(field, `${path}${name}.`)] as const),
    )
    if (!Array.isArray(value)) for (const name of fields.keys()) unread.add(path + name)
    return new Proxy(value, {
      get(target, name) {
        unread.delete(path + String(name))
        return fields.has(String(name)) ? fields.get(String(name)) : (Reflect.get(target, name) as unknown)
      },
    })
  }
  const what = `${manifest.kind} ${manifest.metadata.name}`
  const Kind = KINDS[manifest.kind as keyof typeof KINDS]
  if (Kind === undefined) return [`${what}: no schema for this kind`]
  try {
    new Kind(manifest as never).validate()
  } catch (error) {
    return [`${what}: ${String(error)}`]
  }
  const schema = SCHEMAS[manifest.kind]
  if (schema === undefined) return []
  assert.equal(schema(watched(manifest, '')), true)
  return [...unread].map(path => `${what}: ${path} is unknown`)
}

const deployments = ofKind('Deployment').map(({ metadata, spec }) => {
  const pod = spec!.template.spec!
  return { name: metadata!.name!, spec: spec!, pod, container: pod.containers[0]! }
})

/** What the pod's process finds in its environment; a secret's value stands for itself. */
function environmentOf({ container }: (typeof deployments)[number]): Record<string, string> {
  const maps = (container.envFrom ?? []).map(({ configMapRef }) => {
    const map = ofKind('ConfigMap').find(({ metadata }) => metadata!.name === configMapRef!.name)
    assert.ok(map !== undefined, configMapRef!.name)
    return map.data!
  })
  const own = (container.env ?? []).map(({ name, value }) => [name, value ?? 'postgres://from-a-secret'])
  return Object.assign({}, ...maps, Object.fromEntries(own)) as Record<string, string>
}

const READERS: Readonly<Record<string, (env: NodeJS.ProcessEnv) => { readonly port: number }>> = {
  'activities-api': readApiConfig,
  'braze-sink': env => readSinkConfig(env),
  'marketing-events': readStreamConfig,
}

test('every manifest is one by the schema of its kind', () => {
  for (const manifest of manifests) assert.deepEqual(faultsOf(manifest), [])
  // The schemas do tell a manifest that is not one.
  const { pod, spec } = deployments[0]!
  const faultsWith = (changed: object): readonly string[] => {
    const template = { spec: { ...pod, containers: [{ ...pod.containers[0]!, ...changed }] } }
    return faultsOf({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'wrong' },
      spec: { ...spec, template },
    } as Manifest)
  }
  assert.match(faultsWith({ ports: [{ containerPort: '8080' }] }).join(), /containerPort must be integer/)
  assert.deepEqual(faultsWith({ readynessProbe: {} }), [
    'Deployment wrong: spec.template.spec.containers.0.readynessProbe is unknown',
  ])
})

test('the kustomization names every file', () => {
  const { resources } = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as {
    resources: string[]
  }
  assert.deepEqual(resources.toSorted(), files.toSorted())
})

test('every service but the simulator and the console is deployed, and reads its configuration from the manifests', () => {
  // The console runs where an operator is, with a token of theirs.
  const services = readdirSync(join(repositoryRoot, 'services')).filter(
    name => !['braze-simulator', 'console'].includes(name),
  )
  assert.deepEqual(deployments.map(({ name }) => name).toSorted(), services.toSorted())
  for (const deployment of deployments) {
    const environment = environmentOf(deployment)
    const asked = new Set<string>()
    const config = READERS[deployment.name]!(
      new Proxy(environment, {
        get(target, name: string) {
          asked.add(name)
          return target[name]
        },
      }),
    )
    assert.equal(config.port, deployment.container.ports![0]!.containerPort, deployment.name)
    for (const name of Object.keys(environment)) assert.ok(asked.has(name), `nobody reads ${name}`)
  }
})

test('the probes ask for paths that the services answer, at the port that they listen on', async t => {
  const server = createServer({ name: 'x', app: {} as App })
  const api = createActivitiesApi({ pool: {} as never })
  t.after(() => Promise.all([server.close(), api.close()]))
  for (const { name, container } of deployments) {
    const { startupProbe, livenessProbe, readinessProbe } = container
    const paths = [startupProbe, livenessProbe, readinessProbe].map(probe => {
      assert.equal(probe!.httpGet!.port, container.ports![0]!.name)
      return probe!.httpGet!.path!
    })
    assert.deepEqual(paths, ['/health/live', '/health/live', '/health/ready'])
    const routes = name === 'activities-api' ? api : server
    for (const url of paths) assert.ok(routes.hasRoute({ method: 'GET', url }), `${name} ${url}`)
  }
})

test('a process has more time to end than it takes for closing', () => {
  const reference = readFileSync(join(repositoryRoot, 'docs/reference/config.md'), 'utf8')
  const shutdownTimeoutMs = Number(/^\| `shutdownTimeoutMs` \| `(\d+)`/m.exec(reference)?.[1])
  assert.ok(shutdownTimeoutMs > 0)
  for (const { name, pod } of deployments) {
    assert.ok(pod.terminationGracePeriodSeconds! * 1_000 >= shutdownTimeoutMs + 5_000, name)
  }
})

test('a process asks for what it needs, runs as nobody special, and is one fixed version', () => {
  for (const { name, pod, container } of deployments) {
    assert.ok(container.resources?.requests?.['cpu'] !== undefined, name)
    assert.ok(container.resources.requests['memory'] !== undefined, name)
    assert.ok(container.resources.limits?.['memory'] !== undefined, name)
    assert.equal(pod.securityContext!.runAsNonRoot, true)
    assert.equal(container.securityContext!.readOnlyRootFilesystem, true)
    const manifest = readFileSync(join(repositoryRoot, 'services', name, 'package.json'), 'utf8')
    const { version } = JSON.parse(manifest) as { version: string }
    assert.equal(container.image, `tributary/${name}:${version}`)
  }
})

test("Braze's key is a file of a mounted folder, so that a changed key reaches the running process", () => {
  const { pod, container } = deployments.find(({ name }) => name === 'braze-sink')!
  const mount = container.volumeMounts!.find(({ name }) => name === 'braze-api-key')!
  assert.equal(mount.subPath, undefined)
  assert.ok(pod.volumes!.some(({ name, secret }) => name === mount.name && secret !== undefined))
  const key = container.env!.find(({ name }) => name === 'BRAZE_API_KEY_FILE')!
  assert.equal(key.value, `${mount.mountPath}/api-key`)
  // No manifest holds a key.
  assert.ok(!JSON.stringify(manifests).includes('"BRAZE_API_KEY"'))
})

test('labels select the pods that they are meant for', () => {
  const names = deployments.map(({ name }) => name)
  assert.deepEqual(
    ofKind('PodDisruptionBudget').map(({ metadata }) => metadata!.name),
    names,
  )
  assert.deepEqual(
    ofKind('Service').map(({ metadata }) => metadata!.name!.replace(/-processes$/, '')),
    ['activities-api', ...names],
  )
  for (const { name, spec } of deployments) {
    const wanted = { 'app.kubernetes.io/name': name }
    assert.deepEqual(spec.selector.matchLabels, wanted)
    assert.equal(spec.template.metadata!.labels!['app.kubernetes.io/name'], name)
    for (const { metadata, spec: service } of ofKind('Service'))
      if (metadata!.name!.replace(/-processes$/, '') === name) assert.deepEqual(service!.selector, wanted)
    const budget = ofKind('PodDisruptionBudget').find(({ metadata }) => metadata!.name === name)!
    assert.deepEqual(budget.spec!.selector!.matchLabels, wanted)
  }
})

test('Prometheus asks every process of every deployment for its metrics, ready or not', () => {
  const { scrape_configs: jobs } = parse(
    readFileSync(join(repositoryRoot, 'deploy/prometheus/prometheus.yml'), 'utf8'),
  ) as {
    readonly scrape_configs: readonly {
      readonly job_name: string
      readonly dns_sd_configs: readonly [{ readonly names: readonly [string]; readonly port: number }]
    }[]
  }
  assert.deepEqual(
    jobs.map(({ job_name: name }) => name).toSorted(),
    deployments.map(({ name }) => name).toSorted(),
  )
  for (const {
    job_name: job,
    dns_sd_configs: [{ names, port }],
  } of jobs) {
    const service = ofKind('Service').find(
      ({ metadata }) => `${metadata!.name}.tributary.svc.cluster.local` === names[0],
    )
    assert.ok(service !== undefined, `${job}: ${names[0]} is no service`)
    const { clusterIP, publishNotReadyAddresses, selector } = service.spec!
    assert.deepEqual([clusterIP, publishNotReadyAddresses], ['None', true], names[0])
    assert.deepEqual(selector, { 'app.kubernetes.io/name': job })
    const { container } = deployments.find(({ name }) => name === job)!
    assert.equal(port, container.ports![0]!.containerPort)
  }
})

test('what scales on lag watches the groups and topics of the services, within their partitions', () => {
  const compose = readFileSync(join(repositoryRoot, 'docker-compose.yml'), 'utf8')
  const partitions = Number(/--create --if-not-exists --partitions (\d+)/.exec(compose)?.[1])
  const scaled = ofKind('ScaledObject').map(({ spec }) => {
    const [{ type, metadata }] = spec!.triggers as [(typeof spec)['triggers'][number]]
    assert.equal(type, 'kafka')
    assert.ok(spec!.minReplicaCount! >= 2)
    assert.ok(spec!.maxReplicaCount! <= partitions)
    const kafka = ofKind('ConfigMap').find(({ metadata: { name } = {} }) => name === 'kafka')!
    assert.equal(metadata['bootstrapServers'], kafka.data!['KAFKA_BROKERS'])
    return [spec!.scaleTargetRef.name, metadata['consumerGroup'], metadata['topic']]
  })
  assert.deepEqual(scaled, [
    ['marketing-events', 'marketing-events', customerEvents.name],
    ['braze-sink', 'braze-sink', marketingEvents.name],
  ])
  for (const { name, spec } of deployments) {
    const isScaled = scaled.some(([target]) => target === name)
    assert.equal(spec.replicas === undefined, isScaled, name)
  }
})
