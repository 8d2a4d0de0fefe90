/** What the server said no with. */
export class ApiError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Asks the server. What is looked for goes in the body: addresses end up in logs and histories. */
export async function ask<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T> {
  const response = await fetch(path, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const text = await response.text()
  const answer = (text === '' ? {} : JSON.parse(text)) as { readonly message?: string }
  if (!response.ok) throw new ApiError(response.status, answer.message ?? `status ${response.status}`)
  return answer as T
}
