import type { CompiledSubTopology, RecordHandler, TableReader, TaskWiring } from '../plan/compiled.ts'
import type { DeliverNode, EnrichNode, NodeId } from '../plan/node.ts'
import { TopologyError } from '../errors.ts'
import { LaneMemory } from './delivery/lane-memory.ts'
import { laneKeyOf } from './lane-key.ts'
import type { Task } from './task.ts'
import type { TopicCodecs } from './task-source.ts'

/** Builds the chain of a task: what the plan left open (outputs, tables, asynchronous steps) is bound to the task here. */
export function buildHandlers(
  task: Task,
  subTopology: CompiledSubTopology,
  table: (id: NodeId) => TableReader,
): ReadonlyMap<string, RecordHandler> {
  const wiring: TaskWiring = {
    context: task.context,
    enter: step => task.enter(step),
    counts: step => task.environment.counters.step(step),
    table,
    sink: (step, topic) => sinkHandler(task, step, topic),
    enrich: (node, downstream) => enrichHandler(task, node, downstream),
    deliver: node => deliverHandler(task, node),
    park: (node, parkForMs, outcomes) =>
      task.addParkingLot({ step: node.name, table: table(node.table), parkForMs, outcomes }),
    drop: (step, reason) => task.environment.counters.drop(step, reason),
    missesKey: step => task.missesKey(step),
    deadLetter: (step, error) => task.deadLetter(step, error),
  }
  return subTopology.build(wiring)
}

function sinkHandler(task: Task, step: string, topic: string): RecordHandler {
  const counts = task.environment.counters.sink(step)
  const { context, outputs } = task
  const codecs = task.environment.sinkCodecs.get(topic) as TopicCodecs
  return (key, value) => {
    task.enter(step)
    const keyBytes = key === null || key === undefined ? null : codecs.key.encode(key)
    const valueBytes = value === null || value === undefined ? null : codecs.value.encode(value)
    outputs.append(topic, keyBytes, valueBytes, context)
    counts.out += 1
  }
}

function enrichHandler(task: Task, node: EnrichNode, downstream: RecordHandler): RecordHandler {
  const stage = task.addStage(node)
  const isOrdered = node.order === 'per-key'
  const counts = task.environment.counters.step(node.name)
  return (key, value) => {
    counts.in += 1
    const record = task.hold(isOrdered)
    const goOn = (result: unknown): void => {
      task.resume(record, () => {
        task.enter(node.name)
        const joined = node.joiner(value, result, key, task.context)
        counts.out += 1
        downstream(key, joined)
      })
      task.inFlight.release(record, isOrdered)
    }
    stage.submit({
      key,
      value,
      context: record.context,
      onResult: goOn,
      onFailure: error => {
        if (typeof node.onFailure === 'object') {
          goOn(node.onFailure.fallback)
          return
        }
        if (node.onFailure === 'fail') {
          // The chain may have gone on to other records since: the message is to name this one.
          task.resume(record, () => task.fail(enrichmentFailure(task, node, error)))
          return
        }
        task.resume(record, () => {
          if (node.onFailure === 'dead-letter')
            task.deadLetter(node.name, enrichmentFailure(task, node, error))
          else task.environment.counters.drop(node.name, 'enrichment-failed')
        })
        task.inFlight.release(record, isOrdered)
      },
    })
  }
}

function enrichmentFailure(task: Task, node: EnrichNode, cause: unknown): TopologyError {
  const { topic, partition, offset } = task.context
  return new TopologyError(
    'TOPOLOGY_ENRICHMENT_FAILED',
    `The step ${node.name} has no answer for ${topic}-${partition}@${offset}, and trying again cannot mend it`,
    { cause },
  )
}

function deliverHandler(task: Task, node: DeliverNode): RecordHandler {
  const stage = task.deliveryOf(node)
  const memory = node.memory === undefined ? undefined : laneMemory(task, node)
  const counts = task.environment.counters.step(node.name)
  return (key, value) => {
    counts.in += 1
    task.enter(node.name)
    const laneKey = node.laneKey === undefined ? laneKeyOf(key) : node.laneKey(value, key, task.context)
    const bytes = node.sizeOf === undefined ? 0 : node.sizeOf(value)
    const isUrgent = node.isUrgent !== undefined && node.isUrgent(value, key, task.context)
    const record = task.hold(false)
    stage.add({
      key,
      value,
      context: record.context,
      laneKey,
      bytes,
      isUrgent,
      memory,
      owner: task,
      settle: (outcome, attempts, together) => {
        if (outcome.kind === 'accepted') {
          counts.out += 1
          const { memory: remembered } = outcome
          if (remembered !== undefined && memory !== undefined && laneKey !== undefined) {
            task.resume(record, () => {
              task.enter(node.name)
              memory.remember(laneKey, remembered)
            })
          }
        } else if (outcome.kind === 'rejected') {
          const { status, sent } = outcome
          const delivery = { attempts, status, sent, records: together }
          task.resume(record, () => task.deadLetter(node.name, deliveryRejection(node, outcome), delivery))
        } else if (outcome.kind === 'skipped') {
          task.environment.counters.drop(node.name, outcome.reason)
        }
        task.inFlight.release(record, false)
      },
    })
  }
}

/** Rows go to the task's own partition, wherever the lane key's hash would put them. */
function laneMemory(task: Task, node: DeliverNode): LaneMemory {
  const rows = task.memoryRows(node.id)
  const { clock } = task.environment
  return new LaneMemory(rows, (key, value) => {
    const metadata = { timestampMs: clock.now(), headers: [], toPartition: task.partition }
    task.outputs.append(rows.topic, key, value, metadata)
  })
}

function deliveryRejection(
  node: DeliverNode,
  outcome: { readonly reason: string; readonly cause?: unknown },
): TopologyError {
  return new TopologyError(
    'TOPOLOGY_DELIVERY_REJECTED',
    `${node.destination.name} rejected the record: ${outcome.reason}`,
    {
      cause: outcome.cause,
    },
  )
}
