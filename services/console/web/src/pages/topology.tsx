import { useMemo, useState } from 'preact/hooks'
import type { GraphView, Snapshot, StepView } from '../../../src/snapshot.ts'
import { DataTable } from '../data-table.tsx'
import { count, plural, rate } from '../format.ts'
import { layoutOf, NODE, shortName, type PlacedStep } from '../topology-layout.ts'

export function Topology({ snapshot }: { readonly snapshot: Snapshot }) {
  if (snapshot.graphs.length === 0) return <p class="quiet">No instance has told its topology yet.</p>
  return (
    <>
      {snapshot.graphs.map(graph => (
        <Graph key={graph.application} graph={graph} />
      ))}
    </>
  )
}

function Graph({ graph: { application, steps } }: { readonly graph: GraphView }) {
  const names = steps.map(({ name }) => name).join('\n')
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- what it depends on is in the names
  const layout = useMemo(() => layoutOf(steps), [names])
  const [chosen, setChosen] = useState<string>()
  const now = new Map(steps.map(step => [step.name, step]))
  const places = new Map(layout.nodes.map(node => [node.step.name, node]))
  const step = chosen === undefined ? undefined : now.get(chosen)
  return (
    <section aria-label={application}>
      <h2>{application}</h2>
      <p class="quiet">
        On the lines records per second, on the steps what ended there in the last minute. Enter or a click
        opens a step.
      </p>
      <div class="graph" role="region" aria-label={`Graph of ${application}`} tabIndex={0}>
        <svg
          width={layout.width + 8}
          height={layout.height + 8}
          viewBox={`-4 -4 ${layout.width + 8} ${layout.height + 8}`}
        >
          {layout.nodes.flatMap(to =>
            to.step.inputs.map(input => {
              const from = places.get(input)
              return from && <Edge from={from} to={to} perSecond={rateOf(now, input, to.step)} />
            }),
          )}
          {layout.nodes.map(({ step: { name }, x, y }) => (
            <Node
              step={now.get(name) as StepView}
              place={{ x, y }}
              isChosen={name === chosen}
              onOpen={() => setChosen(name === chosen ? undefined : name)}
            />
          ))}
        </svg>
      </div>
      {step !== undefined && <Details step={step} onClose={() => setChosen(undefined)} />}
      <StepList application={application} steps={steps} />
    </section>
  )
}

/** The same in words, for a narrow screen and for ears. */
function StepList({ application, steps }: GraphView) {
  return (
    <details>
      <summary>The steps as a list</summary>
      <DataTable
        label={`Steps of ${application}`}
        columns={['Step', 'Kind', 'Note', 'In', 'Out']}
        words={['Kind', 'Note']}
        rows={steps.map(step => ({
          key: step.name,
          cells: [
            step.name,
            step.kind,
            <span class={isNoted(step) ? 'warn' : undefined}>{noteOf(step)}</span>,
            rate(step.inPerSecond),
            rate(step.outPerSecond),
          ],
        }))}
      />
    </details>
  )
}

/** Of a step with one input all that comes there comes from it. */
function rateOf(now: ReadonlyMap<string, StepView>, input: string, { name, inputs }: StepView): number {
  return inputs.length === 1 ? (now.get(name)?.inPerSecond ?? 0) : (now.get(input)?.outPerSecond ?? 0)
}

interface EdgeProps {
  readonly from: PlacedStep
  readonly to: PlacedStep
  readonly perSecond: number
}

function Edge({ from, to, perSecond }: EdgeProps) {
  const [x1, y1] = [from.x + NODE.width, from.y + NODE.height / 2]
  const [x2, y2] = [to.x, to.y + NODE.height / 2]
  const middle = (x1 + x2) / 2
  return (
    <g class={perSecond > 0 ? 'edge moving' : 'edge'}>
      <path d={`M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`} />
      <text x={x2 - 4} y={y2 - 5} text-anchor="end">
        {rate(perSecond)}
      </text>
    </g>
  )
}

interface NodeProps {
  readonly step: StepView
  readonly place: { readonly x: number; readonly y: number }
  readonly isChosen: boolean
  readonly onOpen: () => void
}

function Node({ step, place, isChosen, onOpen }: NodeProps) {
  const { name, kind } = step
  const note = noteOf(step)
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' && event.key !== ' ') return
    event.preventDefault()
    onOpen()
  }
  return (
    <g
      class={`node ${isChosen ? 'chosen' : ''} ${isNoted(step) ? 'noted' : ''}`}
      transform={`translate(${place.x} ${place.y})`}
      role="button"
      tabindex={0}
      aria-pressed={isChosen}
      aria-label={`${name}, ${kind}: ${rate(step.inPerSecond)} in, ${rate(step.outPerSecond)} out, ${note}`}
      data-step={name}
      onClick={onOpen}
      onKeyDown={onKeyDown}
    >
      <rect width={NODE.width} height={NODE.height} rx="8" />
      <text class="name" x="10" y="21">
        {shortened(shortName(step))}
      </text>
      <text class="note" x="10" y="40">
        {shortened(note)}
      </text>
    </g>
  )
}

/** Dropping is what filters are for; a dead letter is not, and neither is what waits for long. */
function isNoted({ deadLettersLastMinute, isLate }: StepView): boolean {
  return deadLettersLastMinute > 0 || isLate
}

function noteOf(step: StepView): string {
  const { lag, deadLettersLastMinute, droppedLastMinute, isLate } = step
  if (isLate && lag !== undefined) return `${count(lag)} behind`
  if (deadLettersLastMinute > 0) return plural(deadLettersLastMinute, 'dead letter')
  if (lag !== undefined) return lag > 0 ? `${count(lag)} behind` : 'nothing behind'
  return droppedLastMinute > 0 ? `${count(droppedLastMinute)} dropped` : subtitle(step)
}

function subtitle({ kind, table, writes }: StepView): string {
  if (table !== undefined) return `with ${table}`
  return writes.length > 0 ? `to ${writes.join(', ')}` : kind
}

function shortened(text: string): string {
  return text.length > 20 ? `${text.slice(0, 19)}…` : text
}

function Details({ step, onClose }: { readonly step: StepView; readonly onClose: () => void }) {
  const reasons = [...Object.entries(step.dropped), ...Object.entries(step.deadLetters)]
  const isDeadLetter = (reason: string): boolean => reason in step.deadLetters
  return (
    <aside class="details" aria-label={`Step ${step.name}`}>
      <h3>{step.name}</h3>
      <dl>
        <dt>Kind</dt>
        <dd>{step.kind}</dd>
        {step.reads !== undefined && (
          <>
            <dt>Reads</dt>
            <dd>{step.reads}</dd>
          </>
        )}
        {step.table !== undefined && (
          <>
            <dt>Looks up</dt>
            <dd>{step.table}</dd>
          </>
        )}
        {step.writes.length > 0 && (
          <>
            <dt>Writes</dt>
            <dd>{step.writes.join(', ')}</dd>
          </>
        )}
        <dt>Came in</dt>
        <dd>
          {plural(step.in, 'record')}, {rate(step.inPerSecond)}
        </dd>
        <dt>Went on</dt>
        <dd>
          {plural(step.out, 'record')}, {rate(step.outPerSecond)}
        </dd>
      </dl>
      {reasons.length > 0 && (
        <DataTable
          label="Ended here"
          columns={['Ended here, since the start', 'Records', 'As']}
          words={['As']}
          rows={reasons.map(([reason, value]) => ({
            key: reason,
            cells: [reason, count(value), isDeadLetter(reason) ? 'dead letter' : 'dropped'],
          }))}
        />
      )}
      <button type="button" class="plain" onClick={onClose}>
        Close
      </button>
    </aside>
  )
}
