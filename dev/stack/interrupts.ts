/** The exit codes by which a shell tells that a signal ended a command. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

// Ctrl-C comes from the terminal and once more through npm and run.mjs, within a few milliseconds.
const ECHO_MS = 500

/**
 * Calls `stop` on the first Ctrl-C, SIGTERM or SIGHUP and ends the process when it is done. Somebody who asks again
 * does not want to wait: then the process ends at once.
 */
export function stopOnSignals(stop: () => Promise<void>): void {
  let firstAt: number | undefined
  for (const [signal, code] of Object.entries(EXIT_CODES)) {
    process.on(signal, () => {
      const now = performance.now()
      if (firstAt !== undefined) {
        if (now - firstAt > ECHO_MS) process.exit(code)
        return
      }
      firstAt = now
      void stop()
        .catch(console.error)
        .finally(() => process.exit(code))
    })
  }
}
