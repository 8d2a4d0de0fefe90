/**
 * Waits for a condition, looking at it again after every turn of the event loop (or every `everyMs`). Rejects with the
 * description after `timeoutMs`: a test that waits in vain should say for what.
 */
export async function until(
  description: string,
  condition: () => boolean | Promise<boolean>,
  { timeoutMs = 15_000, everyMs = 0 }: { readonly timeoutMs?: number; readonly everyMs?: number } = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain until ${description}`)
    await new Promise(resolve => {
      if (everyMs === 0) setImmediate(resolve)
      else setTimeout(resolve, everyMs)
    })
  }
}
