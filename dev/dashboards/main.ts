import { writeFile } from 'node:fs/promises'
import { DASHBOARDS, fileOf, textOf } from './dashboards.ts'

// `npm run dashboards` writes deploy/grafana; a test says when what is there is not what comes out here.

for (const dashboard of DASHBOARDS) {
  await writeFile(fileOf(dashboard), await textOf(dashboard))
  console.log(fileOf(dashboard))
}
