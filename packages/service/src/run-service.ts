import { createServer, type ServiceOptions } from './server.ts'

/**
 * Runs a service until it is told to stop: SIGTERM or SIGINT drains, commits and leaves the group (exit code 0), a second
 * signal ends at once (130). Exit code 1 when the application cannot start or has failed; the log says why.
 */
export async function runService(options: ServiceOptions): Promise<void> {
  const { name, app, logger } = options
  const server = createServer(options)
  let signals = 0
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      signals += 1
      if (signals > 1) process.exit(130)
      logger.info({ signal }, 'stopping')
      // A failure is reported by `ended` below.
      app.close().catch(() => undefined)
    })
  }
  try {
    const address = await server.listen({ host: options.host, port: options.port })
    logger.info({ service: name, address }, 'listening')
    if (app.state === 'created') await app.start()
    await app.ended
    logger.info({ service: name }, 'stopped')
  } catch (error) {
    // Told to stop while it was starting, it is closed as it should be.
    if (app.state === 'closed') logger.info({ service: name }, 'stopped while starting')
    else {
      logger.fatal({ service: name, error }, 'failed')
      process.exitCode = 1
    }
  } finally {
    await server.close()
    await options.close?.()
  }
  // What an author's call that never answered still holds open must not keep the process.
  process.exit()
}

/** A faulty environment is an operator's mistake, not a crash: one line on standard error and exit code 1. */
export function configOrExit<Config>(read: () => Config): Config {
  try {
    return read()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(1)
  }
}
