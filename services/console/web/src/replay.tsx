import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { ask } from './api.ts'
import { count, plural } from './format.ts'

export interface LetterPlace {
  readonly partition: number
  readonly offset: number
}

export interface ReplayProps {
  readonly topic: string
  /** On the button. */
  readonly label: string
  /** Left out: all that have not been played. With none in it there is nothing to ask. */
  readonly letters?: readonly LetterPlace[]
  /** Only those that failed with it. */
  readonly code?: string | undefined
  readonly onPlayed?: () => void
}

interface Plan {
  readonly toPlay: number
  readonly playedBefore: number
  /** Of records that are played once all the same. */
  readonly repeated: number
  readonly to: readonly string[]
}

/** Says first what would happen; only the second button does it, and only exactly that. */
export function Replay({ topic, label, letters, code, onPlayed }: ReplayProps) {
  const [plan, setPlan] = useState<Plan>()
  const [note, setNote] = useState('')
  const trigger = useRef<HTMLButtonElement>(null)
  const body = {
    topic,
    ...(letters === undefined ? {} : { letters }),
    ...(code === undefined ? {} : { code }),
  }
  const chosen = JSON.stringify(body)
  // What was confirmed is what was chosen when it was asked.
  useEffect(() => setPlan(undefined), [chosen])
  const fail = (error: Error): void => {
    setPlan(undefined)
    setNote(error.message)
  }
  const prepare = (): void => {
    setNote('')
    ask<{ readonly plan: Plan }>('POST', '/api/dead-letters/replay', body).then(
      found => setPlan(found.plan),
      fail,
    )
  }
  const leave = (): void => {
    setPlan(undefined)
    trigger.current?.focus()
  }
  const play = (confirmed: number): void => {
    leave()
    setNote('Playing …')
    ask<{ readonly played: number }>('POST', '/api/dead-letters/replay', { ...body, confirmed }).then(
      ({ played }) => {
        setNote(`${plural(played, 'record')} played.`)
        onPlayed?.()
      },
      fail,
    )
  }
  return (
    <span class="replay">
      <button type="button" ref={trigger} disabled={letters?.length === 0} onClick={prepare}>
        {label}
      </button>
      {plan !== undefined && <Confirmation plan={plan} onPlay={play} onLeave={leave} />}
      <span role="status">{note}</span>
    </span>
  )
}

interface ConfirmationProps {
  readonly plan: Plan
  readonly onPlay: (confirmed: number) => void
  readonly onLeave: () => void
}

/** Takes the focus, so that it is read out; Escape leaves it. */
function Confirmation({ plan, onPlay, onLeave }: ConfirmationProps) {
  const { toPlay } = plan
  const text = useId()
  const frame = useRef<HTMLSpanElement>(null)
  useEffect(() => frame.current?.focus(), [])
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') onLeave()
  }
  return (
    <span
      role="alertdialog"
      aria-label="Confirm the replay"
      aria-describedby={text}
      class="confirm"
      tabIndex={-1}
      ref={frame}
      onKeyDown={onKeyDown}
    >
      <span id={text}>{wordsOf(plan)}</span>
      {toPlay > 0 && (
        <button type="button" onClick={() => onPlay(toPlay)}>
          Play {plural(toPlay, 'record')}
        </button>
      )}
      <button type="button" class="plain" onClick={onLeave}>
        {toPlay > 0 ? 'Leave it' : 'Close'}
      </button>
    </span>
  )
}

function wordsOf({ toPlay, playedBefore, repeated, to }: Plan): string {
  const before = playedBefore > 0 ? ` ${count(playedBefore)} played before or without a topic to go to.` : ''
  const twice =
    repeated > 0 ? ` ${plural(repeated, 'letter')} more of the same records, which are played once.` : ''
  return toPlay === 0
    ? `Nothing is left to play.${before}${twice}`
    : `${plural(toPlay, 'record')} would go back to ${to.join(', ')} and be processed again.${before}${twice}`
}
