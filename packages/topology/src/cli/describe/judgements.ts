/**
 * What a change of a topology means for what a running application has: committed offsets, internal topics, memories.
 * `safe`: old and new processes may run side by side, one is replaced after the other. `reset-or-drain`: something has to be
 * done first. `incompatible`: what is stored cannot be used any more, or the start is refused.
 */
export type Verdict = 'safe' | 'reset-or-drain' | 'incompatible'

export interface Judgement {
  readonly verdict: Verdict
  /** What follows from the change, and what to do. */
  readonly meaning: string
}

export type ChangeKind =
  | 'application-renamed'
  | 'source-added'
  | 'source-removed'
  | 'source-serde-changed'
  | 'source-offset-reset-changed'
  | 'repartition-added'
  | 'repartition-removed'
  | 'repartition-serde-changed'
  | 'repartition-partitions-changed'
  | 'sub-topologies-changed'
  | 'memory-tasks-changed'
  | 'memory-added'
  | 'memory-removed'
  | 'memory-moved'
  | 'table-added'
  | 'table-removed'
  | 'table-topic-changed'
  | 'table-serde-changed'
  | 'table-scope-changed'
  | 'sink-topic-added'
  | 'sink-topic-removed'
  | 'sink-serde-changed'
  | 'join-added'
  | 'join-removed'
  | 'join-changed'
  | 'delivery-added'
  | 'delivery-removed'
  | 'delivery-changed'
  | 'steps-changed'

/** `docs/reference/cli.md` lists them; a test compares the two. */
export const JUDGEMENTS: Readonly<Record<ChangeKind, Judgement>> = {
  'application-renamed': {
    verdict: 'reset-or-drain',
    meaning:
      'the consumer group, the internal topics and the dead-letter topic have other names: drain and stop the old one, and give the new group its offsets before the first start (tributary reset), or everything is read again from where its sources begin',
  },
  'source-added': {
    verdict: 'safe',
    meaning: 'it is read from where its offsetReset says, by processes of the new version only',
  },
  'source-removed': {
    verdict: 'reset-or-drain',
    meaning:
      'what has not been read of it is not processed any more: let it drain first. Its committed offsets stay for as long as the group has them, and a source that comes back goes on there',
  },
  'source-serde-changed': {
    verdict: 'reset-or-drain',
    meaning:
      'records that are there already were written for the old one: let it drain, stop all processes, and change it together with its writers',
  },
  'source-offset-reset-changed': {
    verdict: 'safe',
    meaning: 'it counts only for partitions without a committed offset',
  },
  'repartition-added': {
    verdict: 'safe',
    meaning: 'its topic is created at the first start; records under way in old processes do without it',
  },
  'repartition-removed': {
    verdict: 'reset-or-drain',
    meaning:
      'what is in its topic is not processed any more: stop what writes to the sources, let the topic drain, stop all processes. A repartition with another name is another topic',
  },
  'repartition-serde-changed': {
    verdict: 'reset-or-drain',
    meaning:
      'what is in its topic was written for the old one, and old and new processes would write both: drain the topic and stop all processes first',
  },
  'repartition-partitions-changed': {
    verdict: 'incompatible',
    meaning:
      'a topic that exists with another count refuses the start (TOPOLOGY_PARTITION_COUNT_MISMATCH): drain it, stop all processes, delete it',
  },
  'sub-topologies-changed': {
    verdict: 'safe',
    meaning:
      'tasks are cut in another way; nothing is stored by their numbers. Sources that are joined with one table need equal partition counts, which the start checks',
  },
  'memory-tasks-changed': {
    verdict: 'reset-or-drain',
    meaning:
      'the memory has a partition for each task, so as many as the largest source of its sub-topology: where that count changes the start is refused until the topic is deleted, which forgets all that is in it',
  },
  'memory-added': {
    verdict: 'safe',
    meaning: 'it begins empty: each lane is delivered once before anything is known of it',
  },
  'memory-removed': {
    verdict: 'safe',
    meaning: 'nothing is held back any more; its topic stays until you delete it',
  },
  'memory-moved': {
    verdict: 'reset-or-drain',
    meaning:
      'the new topic begins empty, so that everything is delivered once more; old and new processes do not know what the other has delivered: stop the old ones first',
  },
  'table-added': { verdict: 'safe', meaning: 'it is loaded before the first record is joined' },
  'table-removed': { verdict: 'safe', meaning: 'its rows were in memory only' },
  'table-topic-changed': {
    verdict: 'safe',
    meaning:
      'rows are loaded anew at each start; records from then on are joined with those of the new topic',
  },
  'table-serde-changed': {
    verdict: 'incompatible',
    meaning:
      'the rows in its topic were written for the old one: those that cannot be read are dead letters, and joins miss them. Write the rows anew, to another topic for one',
  },
  'table-scope-changed': {
    verdict: 'safe',
    meaning:
      'rows are loaded anew. A partitioned table needs as many partitions as the sources it is joined with, which the start checks',
  },
  'sink-topic-added': { verdict: 'safe', meaning: 'it has to exist; it has what is processed from then on' },
  'sink-topic-removed': {
    verdict: 'safe',
    meaning: 'for the application; its readers get nothing any more',
  },
  'sink-serde-changed': {
    verdict: 'incompatible',
    meaning:
      'one topic would hold both formats, and another key format puts equal keys on other partitions: write to a new topic, and let its readers move',
  },
  'join-added': { verdict: 'safe', meaning: 'for records from then on' },
  'join-removed': { verdict: 'safe', meaning: 'for records from then on' },
  'join-changed': {
    verdict: 'safe',
    meaning:
      'for records from then on; records that wait for their rows are not committed and are processed again',
  },
  'delivery-added': { verdict: 'safe', meaning: 'for records from then on' },
  'delivery-removed': { verdict: 'safe', meaning: 'what is under way is finished or not committed' },
  'delivery-changed': { verdict: 'safe', meaning: 'for batches from then on' },
  'steps-changed': {
    verdict: 'safe',
    meaning:
      'what a step does is code, which is not compared. Names of steps stand in metrics and dead letters',
  },
}

const SEVERITY: readonly Verdict[] = ['safe', 'reset-or-drain', 'incompatible']

export function worstOf(verdicts: Iterable<Verdict>): Verdict {
  let worst = 0
  for (const verdict of verdicts) worst = Math.max(worst, SEVERITY.indexOf(verdict))
  return SEVERITY[worst] as Verdict
}
