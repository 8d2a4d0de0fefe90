import type { ApplicationView, InstanceView, Problem, Snapshot } from '../../../src/snapshot.ts'
import { bytes, count, duration, percent, plural, rate } from '../format.ts'
import { DataTable } from '../data-table.tsx'

/** What is wrong, in words; then numbers; then the instances and what each of them has. */
export function Overview({ snapshot }: { readonly snapshot: Snapshot }) {
  const { problems, applications, instances, atMs } = snapshot
  return (
    <>
      <Problems problems={problems} snapshot={snapshot} />
      <section aria-labelledby="applications">
        <h2 id="applications">Applications</h2>
        <Applications applications={applications} />
      </section>
      <section aria-labelledby="instances">
        <h2 id="instances">Instances</h2>
        {instances.map(instance => (
          <Instance key={instance.name} instance={instance} nowMs={atMs} />
        ))}
      </section>
    </>
  )
}

const SEVERITIES = { critical: 'Critical', warning: 'Warning', notice: 'Notice' } as const

function Problems({
  problems,
  snapshot,
}: {
  readonly problems: readonly Problem[]
  readonly snapshot: Snapshot
}) {
  const isWell = problems.every(({ severity }) => severity === 'notice')
  return (
    <section aria-label="Problems">
      {isWell && <AllWell snapshot={snapshot} />}
      {problems.length > 0 && (
        <ul class="problems">
          {problems.map(({ severity, text, advice, page }) => (
            <li class={severity}>
              <span class="severity">{SEVERITIES[severity]}</span>
              <div>
                <p class="what">{page === '#/' ? text : <a href={page}>{text}</a>}</p>
                <p class="advice">{advice}</p>
              </div>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

/** Of now. What is over and still to be known stands below it. */
function AllWell({ snapshot: { instances, applications, problems } }: { readonly snapshot: Snapshot }) {
  const partitions = applications.reduce((sum, each) => sum + each.partitions, 0)
  return (
    <p class="all-well">
      <strong>{problems.length === 0 ? 'Nothing is wrong.' : 'Nothing is wrong now.'}</strong>{' '}
      {plural(instances.length, 'instance')} answer{instances.length === 1 ? 's' : ''},{' '}
      {plural(partitions, 'partition')}, none behind for long, no dead letters in the last minute.
    </p>
  )
}

function Applications({ applications }: { readonly applications: readonly ApplicationView[] }) {
  if (applications.length === 0) return <p class="quiet">No instance has told its application yet.</p>
  return (
    <DataTable
      label="Applications"
      columns={['Application', 'Behind', 'Oldest', 'In', 'Out', 'Dead letters', 'Objective']}
      rows={applications.map(each => ({
        key: each.name,
        cells: [
          <strong>{each.name}</strong>,
          plural(each.lagRecords, 'record'),
          each.lagRecords === 0 ? '–' : duration(each.lagMs),
          rate(each.inPerSecond),
          rate(each.outPerSecond),
          <span class={each.deadLettersLastMinute > 0 ? 'warn' : undefined}>
            {count(each.deadLetters)}
            {each.deadLettersLastMinute > 0 && ` (+${count(each.deadLettersLastMinute)} in a minute)`}
          </span>,
          each.slo === undefined ? (
            '–'
          ) : (
            <span class={each.slo.good < each.slo.objective ? 'warn' : undefined}>
              {percent(each.slo.good)}, asked {percent(each.slo.objective)}
            </span>
          ),
        ],
      }))}
    />
  )
}

function Instance({ instance, nowMs }: { readonly instance: InstanceView; readonly nowMs: number }) {
  const { name, isReachable, seenAtMs, partitions } = instance
  const behind = partitions.reduce((sum, { lag }) => sum + Math.max(lag, 0), 0)
  return (
    <details class="instance" data-instance={name}>
      <summary>
        <span
          class={`dot ${isReachable ? (instance.isReady ? 'good' : 'warning') : 'critical'}`}
          aria-hidden="true"
        />
        <strong>{name}</strong>
        <span>
          {isReachable ? (instance.isReady ? instance.state : `${instance.state}, not ready`) : 'unreachable'}
        </span>
        <span>{plural(partitions.length, 'partition')}</span>
        <span>{behind === 0 ? 'nothing behind' : `${plural(behind, 'record')} behind`}</span>
        <span>
          {rate(instance.inPerSecond)} in, {rate(instance.outPerSecond)} out
        </span>
      </summary>
      {!isReachable && (
        <p class="warn">
          {seenAtMs === undefined
            ? 'It has not answered since the console was started.'
            : `What follows is as it was ${duration(nowMs - seenAtMs)} ago, when it last answered.`}
        </p>
      )}
      <p class="quiet">
        {instance.service ?? 'unknown service'} · {plural(instance.inFlight, 'record')} in flight
        {instance.residentBytes !== undefined && ` · ${bytes(instance.residentBytes)} of memory`}
        {instance.startedAtMs !== undefined && ` · up for ${duration(nowMs - instance.startedAtMs)}`}
      </p>
      <Partitions instance={instance} />
    </details>
  )
}

function Partitions({ instance: { name, partitions } }: { readonly instance: InstanceView }) {
  if (partitions.length === 0) return <p class="quiet">It has no partitions.</p>
  return (
    <DataTable
      label={`Partitions of ${name}`}
      columns={['Partition', 'Behind', 'Oldest', 'Next', 'Committed', 'End', 'Verdict']}
      words={['Verdict']}
      rows={partitions.map(each => ({
        key: `${each.topic}-${each.partition}`,
        cells: [
          `${each.topic}-${each.partition}`,
          each.lag < 0 ? 'not known yet' : count(each.lag),
          each.lag > 0 ? duration(each.lagMs) : '–',
          count(each.position),
          each.committed === undefined ? '–' : count(each.committed),
          each.end < 0 ? '–' : count(each.end),
          <span class={each.verdict === undefined || each.verdict === 'OK' ? undefined : 'warn'}>
            {each.verdict ?? '–'}
            {each.isPaused && ', reading pauses'}
          </span>,
        ],
      }))}
    />
  )
}
