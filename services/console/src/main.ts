import { configOrExit } from '@tributary/service'
import { pino } from 'pino'
import { readConfig } from './config.ts'
import { readPages } from './pages.ts'
import { createConsole } from './server.ts'

const { config, pages } = configOrExit(() => ({ config: readConfig(), pages: readPages() }))
const logger = pino({ name: 'console', level: config.logLevel, errorKey: 'error' })
const server = createConsole({ config, pages, logger })

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => {
    logger.info({ signal }, 'stopping')
    void server.close()
  })
try {
  const address = await server.listen({ host: config.host, port: config.port })
  logger.info(
    { address, instances: config.instances.length, isReplayAllowed: config.isReplayAllowed },
    'open',
  )
} catch (error) {
  logger.fatal({ error }, 'cannot listen')
  process.exitCode = 1
}
