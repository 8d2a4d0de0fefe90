import { useCallback, useEffect, useState } from 'preact/hooks'
import type { Snapshot } from '../../../src/snapshot.ts'
import { ask } from '../api.ts'
import { DataTable } from '../data-table.tsx'
import { Letter } from '../letter.tsx'
import { count, plural } from '../format.ts'
import { Replay } from '../replay.tsx'

export interface ListedLetter {
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: number } | null
  readonly code: string
  readonly step: string
  readonly exception: string
}

interface Listing {
  readonly letters: readonly ListedLetter[]
  readonly total: number
  readonly counts: Readonly<Record<string, number>>
}

export function DeadLetters({ snapshot }: { readonly snapshot: Snapshot }) {
  const { deadLetterTopics, isReplayAllowed } = snapshot
  const [topic, setTopic] = useState<string>()
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

function Topic({ topic, isReplayAllowed }: { readonly topic: string; readonly isReplayAllowed: boolean }) {
  const [listing, setListing] = useState<Listing>()
  const [note, setNote] = useState('Reading the topic …')
  const [open, setOpen] = useState<ListedLetter>()
  const load = useCallback(() => {
    setNote('Reading the topic …')
    ask<Listing>('POST', '/api/dead-letters/list', { topic }).then(
      found => {
        setListing(found)
        setNote('')
      },
      (error: Error) => setNote(error.message),
    )
  }, [topic])
  useEffect(load, [load])
  return (
    <>
      <p role="status">
        {note !== ''
          ? note
          : listing === undefined
            ? ''
            : `${plural(listing.total, 'dead letter')}${codes(listing)}.`}
      </p>
      <p class="line">
        <button type="button" class="plain" onClick={load}>
          Read again
        </button>
        {listing !== undefined && listing.total > 0 && isReplayAllowed && <Replay topic={topic} />}
        {!isReplayAllowed && (
          <span class="quiet">
            This console only reads: it was started without CONSOLE_ALLOW_REPLAY=true.
          </span>
        )}
      </p>
      {open !== undefined && (
        <Letter
          key={`${open.partition}@${open.offset}`}
          topic={topic}
          letter={open}
          isReplayAllowed={isReplayAllowed}
          onClose={() => setOpen(undefined)}
        />
      )}
      {listing !== undefined && listing.letters.length > 0 && <Letters listing={listing} onOpen={setOpen} />}
    </>
  )
}

function codes({ counts, total }: Listing): string {
  const parts = Object.entries(counts).map(([code, letters]) => `${code} ${count(letters)}`)
  return total === 0 ? '' : `: ${parts.join(', ')}`
}

function Letters({
  listing,
  onOpen,
}: {
  readonly listing: Listing
  readonly onOpen: (letter: ListedLetter) => void
}) {
  const { letters, total } = listing
  return (
    <>
      {letters.length < total && (
        <p class="quiet">The first {count(letters.length)} are listed; `tributary dlq list` lists all.</p>
      )}
      <DataTable
        label="Dead letters"
        columns={['Letter', 'Code', 'Step', 'Record of', 'Time']}
        rows={letters.map(letter => ({
          key: `${letter.partition}@${letter.offset}`,
          cells: [
            <button type="button" class="link" onClick={() => onOpen(letter)}>
              {`${letter.partition}@${letter.offset}`}
            </button>,
            letter.code || letter.exception || '–',
            letter.step || '–',
            letter.source === null
              ? '–'
              : `${letter.source.topic}-${letter.source.partition}@${letter.source.offset}`,
            new Date(letter.timestampMs).toISOString().replace('T', ' ').slice(0, 19),
          ],
        }))}
      />
    </>
  )
}
