import type { ComponentChildren } from 'preact'
import type { SinkView, Snapshot } from '../../../src/snapshot.ts'
import { count, duration, plural, rate } from '../format.ts'

export function Sink({ snapshot: { sinks } }: { readonly snapshot: Snapshot }) {
  if (sinks.length === 0) return <p class="quiet">No instance that answers delivers to Braze.</p>
  return (
    <>
      {sinks.map(sink => (
        <Instance key={sink.instance} sink={sink} />
      ))}
    </>
  )
}

function Instance({ sink }: { readonly sink: SinkView }) {
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
        <Figure name="Records in a call">
          {fill === undefined ? 'no call in a minute' : fill.toFixed(1)}
        </Figure>
        <Figure name="Calls">{rate(sink.callsPerSecond)}</Figure>
        <Figure name="Accepted">{rate(sink.acceptedPerSecond)}</Figure>
        <Figure name="From event to Braze">
          {latencyMs === undefined
            ? 'none in a minute'
            : `${duration(latencyMs.p50)} for half, ${duration(latencyMs.p99)} for 99 of 100`}
        </Figure>
        <Figure name="Waiting">{plural(sink.pending, 'record')}</Figure>
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
    </section>
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
