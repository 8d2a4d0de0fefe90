import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Snapshot } from '../../src/snapshot.ts'
import { clockTime, duration, plural } from './format.ts'
import { STALE_MS, useLive } from './live.ts'
import { PAGES } from './pages/pages.ts'

function pageOf(hash: string): (typeof PAGES)[number] {
  return PAGES.find(({ path }) => path === hash) ?? PAGES[0]
}

function usePage(): (typeof PAGES)[number] {
  const [page, setPage] = useState(() => pageOf(location.hash))
  useEffect(() => {
    const onChange = (): void => setPage(pageOf(location.hash))
    addEventListener('hashchange', onChange)
    return () => removeEventListener('hashchange', onChange)
  }, [])
  return page
}

export interface ConsoleProps {
  readonly onRefused: () => void
  readonly onLeave: () => void
}

export function Console({ onRefused, onLeave }: ConsoleProps) {
  const { snapshot, ageMs } = useLive(onRefused)
  const page = usePage()
  const problems = snapshot?.problems.filter(({ severity }) => severity !== 'notice').length ?? 0
  useEffect(() => {
    document.title = `${problems > 0 ? `(${problems}) ` : ''}${page.name} · Tributary`
  }, [problems, page])
  const heading = useRef<HTMLHeadingElement>(null)
  const isFirst = useRef(true)
  // Whoever goes to a page by keyboard or by ear goes on at its beginning.
  useLayoutEffect(() => {
    if (!isFirst.current) heading.current?.focus()
    isFirst.current = false
  }, [page])
  return (
    <>
      <a class="skip" href="#content" onClick={event => skipTo(event, heading.current)}>
        To the content
      </a>
      <header class="top">
        <strong class="brand">Tributary</strong>
        <nav aria-label="Pages">
          {PAGES.map(({ path, name }) => (
            <a href={path} aria-current={path === page.path ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <button type="button" class="plain" onClick={onLeave}>
          Sign out
        </button>
      </header>
      <Freshness snapshot={snapshot} ageMs={ageMs} />
      <Announcements snapshot={snapshot} />
      <main id="content" class={ageMs > STALE_MS ? 'stale' : undefined}>
        <h1 ref={heading} tabIndex={-1}>
          {page.name}
        </h1>
        {snapshot !== undefined && <page.Content snapshot={snapshot} />}
      </main>
    </>
  )
}

function skipTo(event: Event, target: HTMLElement | null): void {
  event.preventDefault()
  target?.focus()
}

interface FreshnessProps {
  readonly snapshot: Snapshot | undefined
  readonly ageMs: number
}

/** Said once when it begins; the seconds that follow are for the eye. */
function Freshness({ snapshot, ageMs }: FreshnessProps) {
  const isStale = ageMs > STALE_MS
  return (
    <div class={isStale ? 'freshness old' : 'freshness'}>
      <span role="status">
        {isStale
          ? snapshot === undefined
            ? 'The console does not answer.'
            : `Not live. What is shown is from ${clockTime(snapshot.atMs)}; the console has not been heard since.`
          : snapshot === undefined
            ? 'Connecting …'
            : ''}
      </span>
      {isStale && <span aria-hidden="true"> {duration(ageMs)} ago</span>}
      {!isStale && snapshot !== undefined && (
        <span class="quiet" aria-hidden="true">
          Live · {clockTime(snapshot.atMs)}
        </span>
      )}
    </div>
  )
}

/** For screen readers: when a problem comes or goes, not when a number in it changes. */
function Announcements({ snapshot }: { readonly snapshot: Snapshot | undefined }) {
  const [text, setText] = useState('')
  const known = useRef<string>()
  const problems = snapshot?.problems ?? []
  const kinds = problems.map(problem => problem.text.replaceAll(/\d[\d.,]*/g, '')).join('|')
  useEffect(() => {
    if (snapshot === undefined || known.current === kinds) return
    const isFirst = known.current === undefined
    known.current = kinds
    const wrong = problems.filter(({ severity }) => severity !== 'notice')
    const texts = problems.map(problem => problem.text).join(' ')
    if (wrong.length > 0) setText(`${plural(wrong.length, 'problem')}. ${texts}`)
    else if (problems.length > 0) setText(`Nothing is wrong now. ${texts}`)
    else if (!isFirst) setText('Nothing is wrong any more.')
  })
  return (
    <div class="for-ears" role="status" aria-live="polite">
      {text}
    </div>
  )
}
