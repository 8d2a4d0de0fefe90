import { useEffect, useState } from 'preact/hooks'
import type { History, HistoryPoint, Snapshot } from '../../../src/snapshot.ts'
import { ask } from '../api.ts'
import { LineChart } from '../line-chart.tsx'
import { clockTime, count, duration, percent, rate } from '../format.ts'

const EVERY_MS = 2_000

export function Lag({ snapshot }: { readonly snapshot: Snapshot }) {
  const [history, setHistory] = useState<History>({})
  useEffect(() => {
    // What cannot be had now is had with the next one; the line above the page says when nothing comes any more.
    const load = (): void => void ask<History>('GET', '/api/history').then(setHistory, () => undefined)
    load()
    const timer = setInterval(load, EVERY_MS)
    return () => clearInterval(timer)
  }, [])
  return (
    <>
      {snapshot.applications.map(({ name, slo, lagRecords, lagMs }) => (
        <section key={name} aria-label={name}>
          <h2>{name}</h2>
          <p>
            {lagRecords === 0
              ? 'Nothing is behind.'
              : `${count(lagRecords)} records are behind, the oldest by ${duration(lagMs)}.`}
            {slo !== undefined && (
              <span class={slo.good < slo.objective ? 'warn' : undefined}>
                {' '}
                Well for {percent(slo.good)} of the time since the start; the objective is{' '}
                {percent(slo.objective)}.
              </span>
            )}
          </p>
          <Charts points={history[name] ?? []} />
        </section>
      ))}
    </>
  )
}

function Charts({ points }: { readonly points: readonly HistoryPoint[] }) {
  if (points.length < 2) return <p class="quiet">The console has only begun to look.</p>
  return (
    <>
      <div class="charts">
        <LineChart
          name="Records behind"
          points={points}
          value={({ lagRecords }) => lagRecords}
          text={count}
        />
        <LineChart name="Age of the oldest" points={points} value={({ lagMs }) => lagMs} text={duration} />
        <LineChart name="Records in" points={points} value={({ inPerSecond }) => inPerSecond} text={rate} />
      </div>
      <Verdicts points={points} />
    </>
  )
}

/** What Burrow's rules made of the worst partition, as stretches of time. */
function Verdicts({ points }: { readonly points: readonly HistoryPoint[] }) {
  const stretches: { verdict: string; from: number; to: number }[] = []
  for (const { atMs, verdict = 'not known' } of points) {
    const last = stretches.at(-1)
    if (last?.verdict === verdict) last.to = atMs
    else stretches.push({ verdict, from: atMs, to: atMs })
  }
  return (
    <details>
      <summary>Status over time: {stretches.at(-1)?.verdict}</summary>
      <ul>
        {stretches
          .toReversed()
          .slice(0, 30)
          .map(({ verdict, from, to }) => (
            <li>
              {clockTime(from)} to {clockTime(to)}: <strong>{verdict}</strong>
            </li>
          ))}
      </ul>
    </details>
  )
}
