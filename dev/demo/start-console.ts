import { randomBytes } from 'node:crypto'
import { buildPages } from '../../services/console/web/build.ts'
import { stackEnvironment } from '../stack/stack.ts'
import type { ServiceProcess, ServiceProcesses } from './services/service-processes.ts'
import type { Ground } from './set-up.ts'

/**
 * Builds the console's pages and starts it on the services of a demo that stays up. The token is in the address behind #,
 * which a browser sends to nobody.
 */
export async function startConsole(
  processes: ServiceProcesses,
  { stack }: Ground,
  watched: readonly ServiceProcess[],
): Promise<string> {
  await buildPages()
  const { KAFKA_BROKERS, SCHEMA_REGISTRY_URL } = stackEnvironment(stack)
  const token = randomBytes(24).toString('base64url')
  const { url } = await processes.start({
    service: 'console',
    name: 'console',
    env: {
      KAFKA_BROKERS,
      SCHEMA_REGISTRY_URL,
      CONSOLE_TOKEN: token,
      CONSOLE_TOKEN_FILE: '',
      CONSOLE_ALLOW_REPLAY: 'true',
      CONSOLE_INSTANCES: watched
        .toSorted((a, b) => a.name.localeCompare(b.name))
        .map(({ name, url: address }) => `${name}=${address}`)
        .join(','),
    },
    isAskedByOthers: false,
  })
  return `${url}/#token=${token}`
}
