import { useState } from 'preact/hooks'
import { ask } from './api.ts'
import { count, plural } from './format.ts'

export interface ReplayProps {
  readonly topic: string
  /** Left out: all that have not been played. */
  readonly letter?: { readonly partition: number; readonly offset: number }
}

interface Plan {
  readonly plan: { readonly toPlay: number; readonly playedBefore: number; readonly to: readonly string[] }
}

/** Says first what would happen; only the second button does it, and only exactly that. */
export function Replay({ topic, letter }: ReplayProps) {
  const [plan, setPlan] = useState<Plan['plan']>()
  const [note, setNote] = useState('')
  const body = { topic, ...(letter === undefined ? {} : { letter }) }
  const fail = (error: Error): void => {
    setPlan(undefined)
    setNote(error.message)
  }
  const prepare = (): void => {
    setNote('')
    ask<Plan>('POST', '/api/dead-letters/replay', body).then(found => setPlan(found.plan), fail)
  }
  const play = (confirmed: number): void => {
    setPlan(undefined)
    setNote('Playing …')
    ask<{ readonly played: number }>('POST', '/api/dead-letters/replay', { ...body, confirmed }).then(
      ({ played }) => setNote(`${plural(played, 'record')} played.`),
      fail,
    )
  }
  const nothing = plan?.toPlay === 0
  return (
    <span class="replay">
      <button type="button" onClick={prepare}>
        {letter === undefined ? 'Replay all …' : 'Replay this one …'}
      </button>
      {plan !== undefined && (
        <span role="alertdialog" aria-label="Confirm the replay" class="confirm">
          {nothing
            ? `Nothing is left to play: ${count(plan.playedBefore)} played before.`
            : `${plural(plan.toPlay, 'record')} would go back to ${plan.to.join(', ')} and be processed again.`}
          {!nothing && (
            <button type="button" onClick={() => play(plan.toPlay)}>
              Play {plural(plan.toPlay, 'record')}
            </button>
          )}
          <button type="button" class="plain" onClick={() => setPlan(undefined)}>
            {nothing ? 'Close' : 'Leave it'}
          </button>
        </span>
      )}
      <span role="status">{note}</span>
    </span>
  )
}
