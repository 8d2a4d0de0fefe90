import type { ComponentChildren } from 'preact'
import type { SinkView, Snapshot } from '../../../src/snapshot.ts'
import { DataTable } from '../data-table.tsx'
import { clockTime, count, duration, plural, rate } from '../format.ts'

export function Sink({ snapshot: { sinks, atMs } }: { readonly snapshot: Snapshot }) {
  if (sinks.length === 0) return <p class="quiet">No instance that answers delivers to Braze.</p>
  return (
    <>
      {sinks.map(sink => (
        <Instance key={sink.instance} sink={sink} nowMs={atMs} />
      ))}
    </>
  )
}

function Instance({ sink, nowMs }: { readonly sink: SinkView; readonly nowMs: number }) {
  const { instance, problem, latencyMs, fill, hour, errors } = sink
  return (
    <section aria-label={instance}>
      <h2>{instance}</h2>
      {problem !== undefined && (
        <p class="warn">
          Nothing is sent: {problem}. Records wait in Kafka and are delivered once it is over.
        </p>
      )}
      <dl class="figures">
        <Quota name="Requests in the window" used={sink.windowUsed} quota={sink.windowQuota} />
        {hour !== undefined && <Quota name="Requests in this hour" used={hour.used} quota={hour.quota} />}
        <Figure name="Left by Braze's word">
          {sink.reportedRemaining === undefined ? 'nothing heard yet' : count(sink.reportedRemaining)}
        </Figure>
        <Figure name="Objects in a call">
          {fill === undefined ? 'no call in a minute' : fill.toFixed(1)}
        </Figure>
        <Figure name="Calls">{rate(sink.callsPerSecond)}</Figure>
        <Figure name="Accepted">
          {rate(sink.acceptedPerSecond)}, {count(sink.accepted)} objects since the start
        </Figure>
        <Figure name="Rejected">{plural(sink.rejected, 'object')} since the start</Figure>
        <Figure name="From event to Braze">
          {latencyMs === undefined
            ? 'none in a minute'
            : `${duration(latencyMs.p50)} for half, ${duration(latencyMs.p99)} for 99 of 100`}
        </Figure>
        <Figure name="Waiting">{plural(sink.pending, 'object')}</Figure>
        {sink.pausedMs > 0 && (
          <Figure name="Pause that Braze asked for">{duration(sink.pausedMs)} left</Figure>
        )}
      </dl>
      <h3>Errors of the last minute</h3>
      {errors.length === 0 ? (
        <p>None.</p>
      ) : (
        <ul>
          {errors.map(error => (
            <li>
              {error.what}: <strong>{count(error.count)}</strong>
            </li>
          ))}
        </ul>
      )}
      <h3>The latest errors, in words</h3>
      <LatestErrors instance={instance} errors={sink.latestErrors} nowMs={nowMs} />
    </section>
  )
}

interface LatestErrorsProps {
  readonly instance: string
  readonly errors: SinkView['latestErrors']
  readonly nowMs: number
}

function LatestErrors({ instance, errors, nowMs }: LatestErrorsProps) {
  if (errors.length === 0) return <p>None since the process was started.</p>
  return (
    <DataTable
      label={`Latest errors of ${instance}`}
      columns={['Braze says', 'Status', 'Code', 'Endpoint', 'Last', 'Times']}
      words={['Status', 'Code', 'Endpoint', 'Last', 'Times']}
      rows={errors.map(({ endpoint, status, code, says, firstAtMs, atMs, count: times }) => ({
        key: `${endpoint} ${status} ${code} ${says}`,
        cells: [
          says,
          status === undefined ? 'no answer' : String(status),
          code,
          endpoint,
          `${clockTime(atMs)}, ${duration(Math.max(0, nowMs - atMs))} ago`,
          times === 1 ? '1' : `${count(times)} since ${clockTime(firstAtMs)}`,
        ],
      }))}
    />
  )
}

function Figure({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Quota({
  name,
  used,
  quota,
}: {
  readonly name: string
  readonly used: number
  readonly quota: number
}) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {count(used)} of {count(quota)}
        <meter min={0} max={Math.max(quota, 1)} high={quota * 0.9} value={used} aria-label={name} />
      </dd>
    </div>
  )
}
