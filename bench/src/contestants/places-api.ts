import { join } from 'node:path'
import { freePort } from '../../../dev/stack/ports.ts'
import type { Ground } from '../ground.ts'
import { activityId } from '../job/records.ts'

const program = join(import.meta.dirname, '..', 'programs', 'places-api.ts')

/** Starts the API of the variant `enriched` in a process of its own. Its base URL. @throws StackError */
export async function startPlacesApi(ground: Ground): Promise<string> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  await ground.group.start({
    name: 'places API',
    command: process.execPath,
    args: [program, String(port)],
    logFile: join(ground.logDirectory, 'places-api.log'),
    env: { NODE_OPTIONS: undefined },
    async readyWhen(signal) {
      const response = await fetch(`${url}/activities/${activityId(0)}/places`, { signal })
      await response.arrayBuffer()
      return response.ok
    },
  })
  return url
}
