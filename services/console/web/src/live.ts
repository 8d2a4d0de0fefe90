import { useEffect, useState } from 'preact/hooks'
import type { Snapshot } from '../../src/snapshot.ts'

export interface Live {
  readonly snapshot: Snapshot | undefined
  /** Since the latest snapshot came, by this browser's clock. */
  readonly ageMs: number
}

/** A snapshot comes each second; after a few that did not, what is shown is no longer how things are. */
export const STALE_MS = 4_000

/** The stream of snapshots. The browser opens it again by itself when it breaks. */
export function useLive(onRefused: () => void): Live {
  const [snapshot, setSnapshot] = useState<Snapshot>()
  const [receivedAt, setReceivedAt] = useState(() => performance.now())
  const [now, setNow] = useState(() => performance.now())
  useEffect(() => {
    const source = new EventSource('/api/events')
    source.addEventListener('message', ({ data }) => {
      setSnapshot(JSON.parse(data as string) as Snapshot)
      setReceivedAt(performance.now())
    })
    // Closed for good: the server answered, and not with a stream. The session may be over.
    source.addEventListener('error', () => {
      if (source.readyState === EventSource.CLOSED) onRefused()
    })
    const timer = setInterval(() => setNow(performance.now()), 1_000)
    return () => {
      source.close()
      clearInterval(timer)
    }
  }, [onRefused])
  return { snapshot, ageMs: Math.max(0, now - receivedAt) }
}
