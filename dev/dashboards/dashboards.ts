import { join } from 'node:path'
import { format } from 'prettier'
import { repositoryRoot } from '../stack/repository.ts'
import { grafanaJson, type Dashboard } from './dashboard.ts'
import { activitiesDashboard } from './activities.ts'
import { objectiveDashboard } from './objective.ts'
import { serviceDashboard } from './service.ts'
import { sinkDashboard } from './sink.ts'

export const DASHBOARDS: readonly Dashboard[] = [
  serviceDashboard,
  sinkDashboard,
  activitiesDashboard,
  objectiveDashboard,
]

export function fileOf({ uid }: Dashboard): string {
  return join(repositoryRoot, 'deploy', 'grafana', `${uid}.json`)
}

/** The file's text, as prettier leaves it. */
export function textOf(dashboard: Dashboard): Promise<string> {
  return format(JSON.stringify(grafanaJson(dashboard)), { parser: 'json', printWidth: 110 })
}
