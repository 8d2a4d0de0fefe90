import type { Clock } from '../../clock.ts'
import { adviceForUnknown, retryAdviceOf } from '../../errors.ts'
import { Counters } from '../../observability/counters.ts'
import type { CompiledSubTopology, RecordHandler, TableReader, TaskWiring } from '../../plan/compiled.ts'
import type { DeliverNode, EnrichNode, NodeId, PlanNode } from '../../plan/node.ts'
import { laneKeyOf } from '../../runtime/lane-key.ts'
import { snapshot } from '../json.ts'
import { describeError, type Tracer } from './tracer.ts'

export interface ChainOptions {
  readonly tracer: Tracer
  readonly clock: Clock
  /** The rows of the tables, which tell the tracer what was looked up. */
  readonly table: (id: NodeId) => TableReader
  /** Whether enrichments are called. */
  readonly isCalling: boolean
  /** A call begins (1) and has ended (-1). */
  readonly onCall: (change: 1 | -1) => void
}

/** The timeout is kept here: the stage's own would not tell it from an answer. */
const NO_TIMEOUT_MS = 2 ** 31 - 1

/** The same chain of a sub-topology, with each step watched. It delivers nothing, and by itself calls nobody. */
export function tracedChain(chain: CompiledSubTopology, options: ChainOptions): CompiledSubTopology {
  const { tracer } = options
  return {
    ...chain,
    build(wiring) {
      const handlers = chain.build(tracedWiring(wiring, options))
      return new Map(
        chain.sources.flatMap(({ topic, name }): [string, RecordHandler][] => {
          const handler = handlers.get(topic)
          if (handler === undefined) return []
          return [
            [
              topic,
              (key, value) => tracer.enter(name, 'source', { key, value, run: () => handler(key, value) }),
            ],
          ]
        }),
      )
    },
  }
}

function tracedWiring(wiring: TaskWiring, options: ChainOptions): TaskWiring {
  const { tracer, table } = options
  return {
    ...wiring,
    table,
    probe: {
      step: node => withoutEffects(node, tracer),
      handler: (node, handler) => (key, value) =>
        tracer.enter(node.name, node.kind, { key, value, run: () => handler(key, value) }),
    },
    sink(step, topic) {
      const write = wiring.sink(step, topic)
      return (key, value) => {
        write(key, value)
        tracer.note({ kind: 'writes', topic })
      }
    },
    enrich: (node, downstream) => tracedEnrich(node, downstream, { wiring, options }),
    deliver: node => tracedDelivery(node, wiring, tracer),
    park: (_, parkForMs) => ({
      isWaiting: () => false,
      add: (_key, _value, tableKey) =>
        tracer.note({ kind: 'would-wait', key: snapshot(tableKey), forMs: parkForMs }),
    }),
    drop(step, reason) {
      tracer.note({ kind: 'dropped', reason })
      wiring.drop(step, reason)
    },
    missesKey(step) {
      tracer.note({ kind: 'key-missing' })
      wiring.missesKey(step)
    },
    deadLetter(step, error) {
      const { error: code, message } = describeError(error)
      tracer.note({ kind: 'dead-lettered', code, message })
      wiring.deadLetter(step, error)
    },
  }
}

/** Steps that are there for what they do elsewhere. */
function withoutEffects(node: PlanNode, tracer: Tracer): PlanNode {
  if (node.kind !== 'peek' && node.kind !== 'foreach') return node
  return { ...node, action: () => tracer.note({ kind: 'not-called', what: "the step's function" }) }
}

function tracedEnrich(
  node: EnrichNode,
  downstream: RecordHandler,
  { wiring, options }: { readonly wiring: TaskWiring; readonly options: ChainOptions },
): RecordHandler {
  const { tracer, isCalling } = options
  if (!isCalling) return () => tracer.note({ kind: 'not-called', what: 'the enrichment (--call calls it)' })
  return (key, value) => {
    const trace = tracer.current
    const watched: EnrichNode = {
      ...node,
      timeoutMs: NO_TIMEOUT_MS,
      retry: { ...node.retry, maxAttempts: 1 },
      call: (given, givenKey, context) =>
        watchedCall(node, { options, trace }, () => node.call(given, givenKey, context)),
    }
    // A stage of its own for each record, so that it is known whose answer comes back.
    const submit = wiring.enrich(watched, (nextKey, nextValue) =>
      tracer.within(trace, () => downstream(nextKey, nextValue)),
    )
    submit(key, value)
  }
}

/** Never settles where the application would try again. */
async function watchedCall(
  { timeoutMs }: EnrichNode,
  { options, trace }: { readonly options: ChainOptions; readonly trace: Tracer['current'] },
  call: () => Promise<unknown>,
): Promise<unknown> {
  const { clock, onCall } = options
  onCall(1)
  const late = Promise.withResolvers<never>()
  const cancel = clock.schedule(timeoutMs, () =>
    late.reject(Object.assign(new Error(`no answer within ${timeoutMs} ms`), { retry: { kind: 'backoff' } })),
  )
  try {
    const result = await Promise.race([call(), late.promise])
    trace?.events.push({ kind: 'called', result: snapshot(result) })
    return result
  } catch (error) {
    const isTriedAgain = retryAdviceOf(error, adviceForUnknown(error)).kind !== 'never'
    trace?.events.push({ kind: 'call-failed', message: describeError(error).message, isTriedAgain })
    if (!isTriedAgain) throw error
  } finally {
    cancel()
    onCall(-1)
  }
  return await new Promise<never>(() => undefined)
}

/** What the step would be given, as `task-wiring.ts` finds it. */
function tracedDelivery(node: DeliverNode, wiring: TaskWiring, tracer: Tracer): RecordHandler {
  const { context } = wiring
  return (key, value) => {
    wiring.enter(node.name)
    const laneKey = node.laneKey === undefined ? laneKeyOf(key) : node.laneKey(value, key, context)
    const bytes = node.sizeOf === undefined ? 0 : node.sizeOf(value)
    const isUrgent = node.isUrgent !== undefined && node.isUrgent(value, key, context)
    const { name: destination } = node.destination
    tracer.note({ kind: 'would-deliver', destination, laneKey: laneKey ?? null, isUrgent, bytes })
  }
}

/** The tables whose rows the chain looks up. */
export function tablesOf(chain: CompiledSubTopology): ReadonlySet<NodeId> {
  const ids = new Set<NodeId>()
  const nothing: RecordHandler = () => undefined
  const counters = new Counters()
  chain.build({
    counts: step => counters.step(step),
    context: { topic: '', partition: 0, offset: 0, timestampMs: 0, headers: [] },
    enter: () => undefined,
    table(id) {
      ids.add(id)
      return { get: () => undefined, watch: () => () => undefined }
    },
    sink: () => nothing,
    enrich: () => nothing,
    deliver: () => nothing,
    park: () => ({ isWaiting: () => false, add: () => undefined }),
    drop: () => undefined,
    missesKey: () => undefined,
    deadLetter: () => undefined,
  })
  return ids
}
