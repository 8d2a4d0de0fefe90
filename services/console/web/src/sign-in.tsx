import { useState } from 'preact/hooks'
import { ask, ApiError } from './api.ts'

export function SignIn({ onOpen }: { readonly onOpen: () => void }) {
  const [problem, setProblem] = useState('')
  const open = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    const token = new FormData(event.currentTarget as HTMLFormElement).get('token')
    try {
      await ask('POST', '/api/session', { token })
      onOpen()
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : 'The console does not answer')
    }
  }
  return (
    <main class="sign-in">
      <h1>Tributary</h1>
      <form onSubmit={event => void open(event)}>
        <label for="token">Token</label>
        <input id="token" name="token" type="password" required autocomplete="current-password" autofocus />
        <button type="submit">Open</button>
        <p role="alert" class="refused">
          {problem}
        </p>
        <p class="quiet">It is what CONSOLE_TOKEN was set to where the console was started.</p>
      </form>
    </main>
  )
}
