import { createActivitiesApi } from './app.ts'
import { systemClock } from './clock.ts'
import type { ServiceConfig } from './config.ts'
import { readConfig } from './config.ts'
import { migrate, openDatabase } from './database.ts'
import { ActivitiesError } from './errors.ts'

const SHUTDOWN_MS = 5_000

function fail(message: string): never {
  process.stderr.write(`activities-api: ${message}\n`)
  process.exit(1)
}

function configOrExit(): ServiceConfig {
  try {
    return readConfig()
  } catch (error) {
    if (!(error instanceof ActivitiesError)) throw error
    fail(error.message)
  }
}

const config = configOrExit()
const pool = openDatabase(config.databaseUrl, error => app.log.warn({ error }, 'an idle connection was lost'))
const app = createActivitiesApi({ pool, logLevel: config.logLevel, hasFaultSwitch: config.hasFaultSwitch })

async function shutDown(signal: string): Promise<void> {
  app.log.info({ signal }, 'closing')
  const closed = new AbortController()
  // A client that stops in the middle of a request must not keep the process alive.
  void systemClock.sleep(SHUTDOWN_MS, closed.signal).then(() => app.server.closeAllConnections())
  await app.close()
  await pool.end()
  closed.abort()
}

try {
  await migrate(pool)
} catch (error) {
  fail(`the tables cannot be made in the database that DATABASE_URL names: ${(error as Error).message}`)
}
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void shutDown(signal))
await app.listen({ host: config.host, port: config.port })
