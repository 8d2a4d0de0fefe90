import { useCallback, useEffect, useState } from 'preact/hooks'
import { ask } from './api.ts'
import { Console } from './console.tsx'
import { SignIn } from './sign-in.tsx'

type Session = 'unknown' | 'open' | 'closed'

/** `#token=…`, as the demo prints it: what stands behind # is never sent to a server. It is taken out of the address. */
function tokenInAddress(): string | undefined {
  const token = /^#token=(.+)$/.exec(location.hash)?.[1]
  if (token === undefined) return undefined
  history.replaceState(null, '', '/#/')
  return decodeURIComponent(token)
}

export function App() {
  const [session, setSession] = useState<Session>('unknown')
  useEffect(() => {
    const token = tokenInAddress()
    const opened = token === undefined ? ask('GET', '/api/session') : ask('POST', '/api/session', { token })
    opened.then(
      () => setSession('open'),
      () => setSession('closed'),
    )
  }, [])
  const onRefused = useCallback(() => {
    ask('GET', '/api/session').catch((error: { readonly status?: number }) => {
      if (error.status === 401) setSession('closed')
    })
  }, [])
  const leave = useCallback(() => {
    const close = (): void => setSession('closed')
    ask('DELETE', '/api/session').then(close, close)
  }, [])
  if (session === 'unknown') return null
  if (session === 'closed') return <SignIn onOpen={() => setSession('open')} />
  return <Console onRefused={onRefused} onLeave={leave} />
}
