import { useCallback, useEffect, useState } from 'preact/hooks'
import type { Snapshot } from '../../../src/snapshot.ts'
import { ask } from '../api.ts'
import { Letter } from '../letter.tsx'
import { LetterList, nameOf, type ListedLetter } from '../letter-list.tsx'
import { count, plural } from '../format.ts'
import { Replay } from '../replay.tsx'

interface Listing {
  readonly letters: readonly ListedLetter[]
  readonly total: number
  readonly counts: Readonly<Record<string, number>>
}

export function DeadLetters({ snapshot }: { readonly snapshot: Snapshot }) {
  const { deadLetterTopics, isReplayAllowed } = snapshot
  const [topic, setTopic] = useState(() => fullestTopic(snapshot))
  const chosen = topic ?? deadLetterTopics[0]
  if (chosen === undefined)
    return <p class="quiet">No application is known yet, and no topic was configured.</p>
  return (
    <>
      <label class="line">
        Topic
        <select value={chosen} onChange={event => setTopic(event.currentTarget.value)}>
          {deadLetterTopics.map(name => (
            <option>{name}</option>
          ))}
        </select>
      </label>
      <Topic key={chosen} topic={chosen} isReplayAllowed={isReplayAllowed} />
    </>
  )
}

/** Of the application that has written most of them. */
function fullestTopic({ applications, deadLetterTopics }: Snapshot): string | undefined {
  const [fullest] = applications.toSorted((a, b) => b.deadLetters - a.deadLetters)
  return deadLetterTopics.find(name => name === `${fullest?.name}-dead-letters`)
}

const NONE: ReadonlySet<string> = new Set()

function Topic({ topic, isReplayAllowed }: { readonly topic: string; readonly isReplayAllowed: boolean }) {
  const [code, setCode] = useState<string>()
  const { listing, counts, note, load } = useListing(topic, code)
  const [open, setOpen] = useState<ListedLetter>()
  const [chosen, setChosen] = useState(NONE)
  const letters = listing?.letters ?? []
  const choose = (next: string | undefined): void => {
    setCode(next)
    setChosen(NONE)
  }
  const onPlayed = (): void => {
    setChosen(NONE)
    load()
  }
  return (
    <>
      <Codes counts={counts} chosen={code} onChoose={choose} />
      <p role="status">{note}</p>
      <div class="line bar">
        <button type="button" class="plain" onClick={load}>
          Read again
        </button>
        {!isReplayAllowed && (
          <span class="quiet">
            This console only reads: it was started without CONSOLE_ALLOW_REPLAY=true.
          </span>
        )}
        {isReplayAllowed && letters.length > 0 && (
          <Actions
            topic={topic}
            code={code}
            letters={letters}
            chosen={chosen}
            onChoose={setChosen}
            onPlayed={onPlayed}
          />
        )}
      </div>
      {open !== undefined && (
        <Letter
          key={nameOf(open)}
          topic={topic}
          letter={open}
          isReplayAllowed={isReplayAllowed}
          onClose={() => setOpen(undefined)}
        />
      )}
      {letters.length > 0 && (
        <LetterList
          letters={letters}
          total={listing?.total ?? 0}
          chosen={isReplayAllowed ? chosen : undefined}
          onChoose={setChosen}
          onOpen={setOpen}
        />
      )}
    </>
  )
}

interface ActionsProps {
  readonly topic: string
  readonly code: string | undefined
  readonly letters: readonly ListedLetter[]
  readonly chosen: ReadonlySet<string>
  readonly onChoose: (chosen: ReadonlySet<string>) => void
  readonly onPlayed: () => void
}

function Actions({ topic, code, letters, chosen, onChoose, onPlayed }: ActionsProps) {
  return (
    <>
      <ChooseAll letters={letters} chosen={chosen} onChoose={onChoose} />
      <Replay
        topic={topic}
        label={chosen.size === 0 ? 'Replay the chosen …' : `Replay ${count(chosen.size)} chosen …`}
        letters={letters.filter(letter => chosen.has(nameOf(letter))).map(placeOf)}
        onPlayed={onPlayed}
      />
      <Replay
        topic={topic}
        label={code === undefined ? 'Replay all …' : 'Replay all with this code …'}
        code={code}
        onPlayed={onPlayed}
      />
    </>
  )
}

const placeOf = ({ partition, offset }: ListedLetter) => ({ partition, offset })

/** The counts are of all codes, also while one is chosen. */
function useListing(topic: string, code: string | undefined) {
  const [listing, setListing] = useState<Listing>()
  const [counts, setCounts] = useState<Listing['counts']>({})
  const [note, setNote] = useState('')
  const load = useCallback(() => {
    setNote('Reading the topic …')
    ask<Listing>('POST', '/api/dead-letters/list', { topic, ...(code === undefined ? {} : { code }) }).then(
      found => {
        setListing(found)
        if (code === undefined) setCounts(found.counts)
        setNote(found.total === 0 ? 'There are no dead letters.' : `${plural(found.total, 'dead letter')}.`)
      },
      (error: Error) => setNote(error.message),
    )
  }, [topic, code])
  useEffect(load, [load])
  return { listing, counts, note, load }
}

interface CodesProps {
  readonly counts: Listing['counts']
  readonly chosen: string | undefined
  readonly onChoose: (code: string | undefined) => void
}

/** How many of each, the most frequent first; a click shows these alone. */
function Codes({ counts, chosen, onChoose }: CodesProps) {
  const codes = Object.entries(counts)
  if (codes.length === 0) return null
  return (
    <ul class="codes" aria-label="Codes">
      {codes.map(([code, letters]) => (
        <li>
          <button
            type="button"
            class="plain"
            aria-pressed={chosen === code}
            // Those of Kafka Streams have none.
            disabled={code === '-'}
            onClick={() => onChoose(chosen === code ? undefined : code)}
          >
            <strong>{count(letters)}</strong> {code === '-' ? 'without a code' : code}
          </button>
        </li>
      ))}
    </ul>
  )
}

interface ChooseAllProps {
  readonly letters: readonly ListedLetter[]
  readonly chosen: ReadonlySet<string>
  readonly onChoose: (chosen: ReadonlySet<string>) => void
}

function ChooseAll({ letters, chosen, onChoose }: ChooseAllProps) {
  const isAll = chosen.size === letters.length
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={isAll}
        ref={box => {
          if (box !== null) box.indeterminate = !isAll && chosen.size > 0
        }}
        onChange={() => onChoose(isAll ? NONE : new Set(letters.map(nameOf)))}
      />
      Choose all that are listed
    </label>
  )
}
