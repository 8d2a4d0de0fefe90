import { useEffect, useRef, useState } from 'preact/hooks'
import { ask } from './api.ts'
import { Replay } from './replay.tsx'

export interface LetterProps {
  readonly topic: string
  readonly letter: { readonly partition: number; readonly offset: number }
  readonly isReplayAllowed: boolean
  readonly onClose: () => void
}

type Shown = Readonly<Record<string, unknown>>

/** What stands in a heading of its own; the rest is shown as it comes. */
const TEXTS = ['code', 'step', 'source', 'exception'] as const

/** Everything about one of them. What may be somebody's is masked until it is asked for. */
export function Letter({ topic, letter, isReplayAllowed, onClose }: LetterProps) {
  const { partition, offset } = letter
  const [shown, setShown] = useState<Shown>()
  const [isUnmasked, setUnmasked] = useState(false)
  const [note, setNote] = useState('Reading …')
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [])
  useEffect(() => {
    ask<Shown>('POST', '/api/dead-letters/show', { topic, partition, offset, isUnmasked }).then(
      found => {
        setShown(found)
        setNote('')
      },
      (error: Error) => setNote(error.message),
    )
  }, [topic, partition, offset, isUnmasked])
  return (
    <aside class="details" aria-label={`Dead letter ${partition}@${offset}`}>
      <h2 ref={heading} tabIndex={-1}>
        {topic}-{partition}@{offset}
      </h2>
      <p role="status">{note}</p>
      {shown !== undefined && <Contents shown={shown} isUnmasked={isUnmasked} />}
      <p class="line">
        <button
          type="button"
          class="plain"
          aria-pressed={isUnmasked}
          onClick={() => setUnmasked(!isUnmasked)}
        >
          {isUnmasked ? 'Mask personal data' : 'Show personal data'}
        </button>
        {isReplayAllowed && (
          <Replay topic={topic} label="Replay this one …" letters={[{ partition, offset }]} />
        )}
        <button type="button" class="plain" onClick={onClose}>
          Close
        </button>
      </p>
    </aside>
  )
}

function Contents({ shown, isUnmasked }: { readonly shown: Shown; readonly isUnmasked: boolean }) {
  const others = Object.fromEntries(
    Object.entries(shown).filter(([name]) => !TEXTS.includes(name as (typeof TEXTS)[number])),
  )
  return (
    <>
      <dl>
        {TEXTS.map(name => {
          const text = shown[name]
          return (
            <>
              <dt>{name}</dt>
              <dd>{typeof text === 'string' && text !== '' ? text : '–'}</dd>
            </>
          )
        })}
      </dl>
      {!isUnmasked && (
        <p class="quiet">
          Masked: of values only their shape is shown; key, headers, message and stack trace have stayed on
          the server.
        </p>
      )}
      <pre tabIndex={0}>{JSON.stringify(others, undefined, 2)}</pre>
    </>
  )
}
