import { DataTable } from './data-table.tsx'
import { count, plural } from './format.ts'

export interface ListedLetter {
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: number } | null
  readonly code: string
  readonly step: string
  readonly exception: string
}

export const nameOf = ({ partition, offset }: Pick<ListedLetter, 'partition' | 'offset'>): string =>
  `${partition}@${offset}`

export interface LetterListProps {
  readonly letters: readonly ListedLetter[]
  /** How many there are; the list may have fewer. */
  readonly total: number
  /** By name. Undefined: nothing can be done with them, so none is chosen. */
  readonly chosen: ReadonlySet<string> | undefined
  readonly onChoose: (chosen: ReadonlySet<string>) => void
  readonly onOpen: (letter: ListedLetter) => void
}

export function LetterList({ letters, total, chosen, onChoose, onOpen }: LetterListProps) {
  const choose = (name: string, isChosen: boolean): void => {
    const next = new Set(chosen)
    if (isChosen) next.add(name)
    else next.delete(name)
    onChoose(next)
  }
  return (
    <>
      {letters.length < total && (
        <p class="quiet">
          The first {count(letters.length)} of {plural(total, 'letter')} are listed; `tributary dlq list`
          lists all.
        </p>
      )}
      <DataTable
        label="Dead letters"
        columns={['Letter', 'Code', 'Step', 'Record of', 'Time']}
        words={['Code', 'Step', 'Record of', 'Time']}
        rows={letters.map(letter => ({
          key: nameOf(letter),
          cells: [
            <span class="choice">
              {chosen !== undefined && (
                <input
                  type="checkbox"
                  aria-label={`Choose ${nameOf(letter)}`}
                  checked={chosen.has(nameOf(letter))}
                  onChange={event => choose(nameOf(letter), event.currentTarget.checked)}
                  onKeyDown={event => walk(event, choose)}
                  data-letter={nameOf(letter)}
                />
              )}
              <button type="button" class="link" onClick={() => onOpen(letter)}>
                {nameOf(letter)}
              </button>
            </span>,
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

/** Up and down lead from box to box; with Shift the next one becomes as this one is. */
function walk(event: KeyboardEvent, choose: (name: string, isChosen: boolean) => void): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
  const box = event.currentTarget as HTMLInputElement
  const boxes = [...(box.closest('table')?.querySelectorAll<HTMLInputElement>('input[data-letter]') ?? [])]
  const next = boxes[boxes.indexOf(box) + (event.key === 'ArrowDown' ? 1 : -1)]
  event.preventDefault()
  if (next === undefined) return
  next.focus()
  if (event.shiftKey) choose(next.dataset['letter'] ?? '', box.checked)
}
