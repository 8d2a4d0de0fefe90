import { systemClock } from './clock.ts'
import { readConfig } from './config.ts'
import type { ServiceConfig } from './config.ts'
import { SimulatorConfigError } from './errors.ts'
import { createSimulator } from './simulator.ts'
import type { Simulator } from './simulator.ts'

const SHUTDOWN_MS = 5_000

function configOrExit(): ServiceConfig {
  try {
    return readConfig()
  } catch (error) {
    if (!(error instanceof SimulatorConfigError)) throw error
    process.stderr.write(`braze-simulator: ${error.message}\n`)
    process.exit(1)
  }
}

async function shutDown({ app, close }: Simulator, signal: string): Promise<void> {
  app.log.info({ signal }, 'closing')
  const closed = new AbortController()
  // A sender that stops in the middle of a request must not keep the process alive.
  void systemClock.sleep(SHUTDOWN_MS, closed.signal).then(() => app.server.closeAllConnections())
  await close()
  closed.abort()
}

const config = configOrExit()
const simulator = createSimulator(config.options, { logger: { level: config.logLevel } })
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => void shutDown(simulator, signal))
}
await simulator.app.listen({ host: config.host, port: config.port })
